/*
 * search_return.h - what SEARCH and SORT are to answer: RETURN (...)
 * (RFC 4731, RFC 5182, RFC 5267, RFC 9394)
 *
 * Pure.
 */
#ifndef SEARCH_RETURN_H
#define SEARCH_RETURN_H

#include "imapd/lex.h"

struct search_return {
	bool extended; /* RETURN was there: answer by ESEARCH */
	bool min, max, all, count, save, context, update;
	bool partial;
	bool from_end;	      /* PARTIAL -1:-10 */
	uint32_t first, last; /* as they were written, without the sign */
};

/*
 * Read ` RETURN (...)` if it stands at the cursor, with the blank before it;
 * RETURN () is RETURN (ALL).
 */
bool search_return_lex(struct lex *l, struct search_return *return_r)
	__attribute__((warn_unused_result));

/* Read the range of PARTIAL: `1:500` or `-1:-500`. */
bool search_return_range(struct lex *l, bool *from_end_r, uint32_t *first_r,
	uint32_t *last_r) __attribute__((warn_unused_result));

/*
 * What PARTIAL asks for of count results: those from *from_r up to, not
 * including, *to_r.
 */
void search_return_window(struct search_return const *r, size_t count,
	size_t *from_r, size_t *to_r);

#endif
