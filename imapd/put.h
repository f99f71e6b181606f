/*
 * put.h - messages put into a mailbox from another owner's
 *
 * Into a folder of ours, all or none (append.h), or into a shared mailbox by
 * APPEND to its imapd: a thousand of them at a time, all or none of those. What
 * is not committed leaves nothing.
 */
#ifndef PUT_H
#define PUT_H

#include "imapd/append.h"
#include "imapd/relay.h"

struct put {
	struct session *s;
	char name[BOXNAME_MAX + 1];
	bool is_relayed;
	struct relay *relay;
	struct append append;
	size_t count;	   /* of messages */
	size_t in_command; /* of APPEND */
	uint64_t left;	   /* octets of the message that are to come */
	/* Results: UIDs in the order of the messages, as a set. */
	uint32_t validity;
	stralloc uids;
};

/* All but put_octets and put_close answer the client when they fail; then
 * put_close is what is left to be done. */

/* A mailbox by its name in our form. */
bool put_open(struct put *p, struct session *s, char const *name)
	__attribute__((warn_unused_result));

/* Begin a message of so many octets, which must all come. */
bool put_begin(struct put *p, struct flag_args const *flags, int64_t date,
	uint64_t size) __attribute__((warn_unused_result));
void put_octets(void *put, char const *s, size_t len);
bool put_end(struct put *p) __attribute__((warn_unused_result));

/* On success they are there, durably. */
bool put_commit(struct put *p) __attribute__((warn_unused_result));

void put_close(struct put *p);

#endif
