/*
 * notify_args.h - what NOTIFY asks for (RFC 5465, 8)
 *
 * Pure; keeps nothing of the command but copies.
 */
#ifndef NOTIFY_ARGS_H
#define NOTIFY_ARGS_H

#include "imapd/lex.h"

#define NOTIFY_GROUPS_MAX 32
#define NOTIFY_NAMES_LEN                                                       \
	8192 /* octets of all names, with a NUL behind each                    \
	      */
#define NOTIFY_FETCH_LEN 2048

#define NOTIFY_NEW 1u
#define NOTIFY_EXPUNGE 2u
#define NOTIFY_FLAGS 4u
#define NOTIFY_MESSAGES 7u /* all of the above */
#define NOTIFY_NAME 8u
#define NOTIFY_SUBSCRIPTION 16u
#define NOTIFY_METADATA 32u
#define NOTIFY_SERVER 64u

enum notify_filter {
	NOTIFY_SELECTED,
	NOTIFY_PERSONAL,
	NOTIFY_SUBSCRIBED,
	NOTIFY_SUBTREE,
	NOTIFY_MAILBOXES
};

struct notify_group {
	enum notify_filter filter;
	unsigned events;
	size_t names_start, names_count; /* in text */
};

struct notify_args {
	bool on;	   /* SET, not NONE */
	bool status;	   /* tell the state of all first */
	bool unsupported;  /* an event that we do not know */
	bool delayed;	   /* SELECTED-DELAYED */
	unsigned selected; /* events of the selected mailbox */
	unsigned all;	   /* of the others, all together */
	size_t count;
	struct notify_group groups[NOTIFY_GROUPS_MAX];
	size_t used;
	char text[NOTIFY_NAMES_LEN];
	/* What is to be fetched of new messages: "(UID FLAGS)". */
	size_t fetch_len;
	char fetch[NOTIFY_FETCH_LEN];
};

/* What stands behind NOTIFY; utf8: of names. */
bool notify_args_lex(struct lex *l, bool utf8, struct notify_args *args_r)
	__attribute__((warn_unused_result));

/* The events of a mailbox that is not selected. */
unsigned notify_args_events(
	struct notify_args const *args, char const *name, bool subscribed);

#endif
