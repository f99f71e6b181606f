/*
 * context_order.h - results of SORT that are kept up to date (RFC 5267, 4.3)
 *
 * What messages are sorted by never changes, so a message that comes is put
 * between those that are there: where it belongs is found by halving, which
 * reads the keys of a few others alone.
 */
#ifndef CONTEXT_ORDER_H
#define CONTEXT_ORDER_H

#include "imapd/search_reply.h"
#include "imapd/sort.h"

struct context_order {
	struct sort_args criteria;
	uint32_t *uids; /* in the order of the answer */
	size_t count;
};
#define CONTEXT_ORDER_ZERO                                                     \
	{                                                                      \
		.uids = NULL                                                   \
	}

/* Begin with what was found. False: memory. */
bool context_order_init(struct context_order *o, struct session const *s,
	struct sort_args const *criteria, struct search_found const *found)
	__attribute__((warn_unused_result));
void context_order_free(struct context_order *o);

/*
 * Messages v[0..count), indices in the mailbox's order that are not there yet,
 * come in, or those that are there go. Appends to out, for ADDTO or REMOVEFROM,
 * places and sets as numbers of s->command.uid: `2 7 5 9:10`, to be worked off
 * in that order. False: memory, or too much to sort; the order is of no use any
 * more.
 */
bool context_order_add(struct context_order *o, struct search_message *m,
	uint32_t const *v, size_t count, stralloc *out)
	__attribute__((warn_unused_result));
bool context_order_remove(struct context_order *o, struct session const *s,
	uint32_t const *v, size_t count, stralloc *out)
	__attribute__((warn_unused_result));

#endif
