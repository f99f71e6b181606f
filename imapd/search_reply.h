/*
 * search_reply.h - the answers to SEARCH and SORT
 */
#ifndef SEARCH_REPLY_H
#define SEARCH_REPLY_H

#include "imapd/search_return.h"
#include "imapd/session.h"

/* What was found: indices of messages, in the order of the answer. */
struct search_found {
	uint32_t *v;
	size_t count;
	uint64_t modseq; /* 0: not asked for */
};

void search_found_free(struct search_found *found);

/*
 * Fill found->modseq for the messages of which r has the answer tell
 * (RFC 7162, 3.1.5; RFC 4731, 3.2).
 */
void search_found_modseq(struct session const *s, struct search_return const *r,
	struct search_found *found);

/* The number of message i in the answer: its UID in a UID command. */
uint32_t search_number(struct session const *s, size_t i);

/*
 * Append found[from..to) as a sequence-set; ranges only grow. False: memory.
 */
bool search_reply_set(struct session const *s, uint32_t const *found,
	size_t count, stralloc *out) __attribute__((warn_unused_result));

/*
 * Send what r asks for, and save what it says is to be saved (RFC 5182, 2.4;
 * RFC 9394, 3.2).
 *
 * word    "SEARCH" or "SORT"
 * sorted  the order is not that of the mailbox
 *
 * False: memory; nothing was sent.
 */
bool search_reply(struct session *s, struct search_return const *r,
	char const *word, struct search_found const *found, bool sorted)
	__attribute__((warn_unused_result));

#endif
