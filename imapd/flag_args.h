/*
 * flag_args.h - flags in commands (RFC 3501, 9: flag-list, store-att-flags)
 *
 * Pure; names of keywords point into the command.
 */
#ifndef FLAG_ARGS_H
#define FLAG_ARGS_H

#include "common/flags.h"
#include "imapd/lex.h"

struct flag_args {
	unsigned system; /* FLAG_* */
	struct lex_text keywords[2 * FLAG_KEYWORDS_MAX];
	unsigned keywords_count;
};

/* By position of the bit: "\Answered", ... */
extern char const *const flag_names[FLAG_COUNT];

/* A parenthesized list, or, where bare is set, flags with blanks between. */
bool flag_args_lex(struct lex *l, bool bare, struct flag_args *args_r)
	__attribute__((warn_unused_result));

enum flag_store { FLAG_STORE_SET, FLAG_STORE_ADD, FLAG_STORE_REMOVE };

/* "+FLAGS.SILENT (\Seen)" */
bool flag_args_store(struct lex *l, enum flag_store *how_r, bool *silent_r,
	struct flag_args *args_r) __attribute__((warn_unused_result));

#endif
