/*
 * compose.h - a message that a local program hands in
 *
 * Takes its header apart: finds the recipients (-t), leaves out what must not
 * be sent on (Bcc, Return-Path), notices what is missing. Works on CRLF lines
 * (textin.h).
 */
#ifndef COMPOSE_H
#define COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>
#include "common/addr.h"

enum compose_result {
	COMPOSE_OK,
	COMPOSE_BAD_ADDRESS, /* `bad` says which */
	COMPOSE_TOO_MANY,    /* recipients */
	COMPOSE_NO_MEMORY
};

#define COMPOSE_BAD_MAX 200

struct compose {
	char const *hostname; /* for addresses without a domain */
	size_t recipients_max;
	stralloc header; /* the fields that go on, and the empty line */
	size_t body;	 /* offset behind the header and its empty line */
	bool has_from, has_date, has_message_id;
	stralloc to; /* recipients, each NUL-ended, none twice */
	size_t to_count;
	char bad[COMPOSE_BAD_MAX + 1]; /* printable */
};

/* Free what it holds; twice is safe. */
void compose_free(struct compose *c);

/*
 * Read the header of the message s[0..len). A first line that is no field means
 * that there is no header. take_recipients: add those of To, Cc and Bcc, or if
 * there are any, of Resent-To, Resent-Cc and Resent-Bcc.
 */
enum compose_result compose_header(struct compose *c, char const *s, size_t len,
	bool take_recipients) __attribute__((warn_unused_result));

/* Add the recipients of an address list (RFC 5322 3.4), as a field or an
 * argument of sendmail holds it. */
enum compose_result compose_recipients(struct compose *c, char const *list,
	size_t len) __attribute__((warn_unused_result));

/*
 * Complete an address: `user` becomes user@hostname, brackets go. The result,
 * NUL-ended, is in out. Empty (or `<>`) stays empty. False: malformed.
 */
bool compose_qualify(char const *address, char const *hostname,
	char out[ADDR_PATH_MAX + 1]) __attribute__((warn_unused_result));

/*
 * Header lines to put in front: From, Date and Message-ID where they are
 * missing. name may be NULL. False: no memory.
 */
struct compose_missing {
	char const *name;    /* display name; used if it is ASCII */
	char const *address; /* of From */
	char const *date;
	char const *id; /* of the queue file */
};
bool compose_missing(struct compose const *c, stralloc *out,
	struct compose_missing const *m) __attribute__((warn_unused_result));

#endif
