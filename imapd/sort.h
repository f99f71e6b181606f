/*
 * sort.h - messages in the order that SORT asks for (RFC 5256, 3)
 */
#ifndef SORT_H
#define SORT_H

#include "imapd/search_message.h"
#include "imapd/sort_args.h"

/* Octets of keys for all messages together; more is ENOBUFS. */
#define SORT_TEXT_MAX (128u * 1024 * 1024)

/*
 * Order v[0..count), indices of messages in the mailbox's order.
 * False: errno.
 */
bool sort_messages(struct search_message *m, struct sort_args const *args,
	uint32_t *v, size_t count) __attribute__((warn_unused_result));

/*
 * Where message i comes between v[0..count), which are in that order.
 * False: errno.
 */
bool sort_place(struct search_message *m, struct sort_args const *args,
	uint32_t const *v, size_t count, uint32_t i, size_t *place_r)
	__attribute__((warn_unused_result));

/* Sent date of the message that m stands at (RFC 5256, 2.2). */
int64_t sort_sent_date(struct search_message *m);

/*
 * Append the base subject's key (casemap.h) to out; *reply_r as
 * base_subject.h says. False: memory.
 */
bool sort_subject(struct search_message *m, stralloc *scratch, stralloc *out,
	bool *reply_r) __attribute__((warn_unused_result));

#endif
