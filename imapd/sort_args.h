/*
 * sort_args.h - what SORT sorts by (RFC 5256, 3; RFC 5957)
 *
 * Pure.
 */
#ifndef SORT_ARGS_H
#define SORT_ARGS_H

#include "imapd/lex.h"

/* More than all keys, which are enough: one that comes again changes nothing.
 */
#define SORT_CRITERIA_MAX 32

enum sort_key {
	SORT_ARRIVAL,
	SORT_CC,
	SORT_DATE,
	SORT_DISPLAYFROM,
	SORT_DISPLAYTO,
	SORT_FROM,
	SORT_SIZE,
	SORT_SUBJECT,
	SORT_TO
};

struct sort_args {
	struct {
		enum sort_key key;
		bool reverse;
	} v[SORT_CRITERIA_MAX];
	size_t count;
};

/* Read `(REVERSE DATE SUBJECT)` at the cursor. */
bool sort_args_lex(struct lex *l, struct sort_args *args_r)
	__attribute__((warn_unused_result));

#endif
