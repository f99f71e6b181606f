/*
 * select_args.h - what stands behind the mailbox's name in SELECT and EXAMINE
 * (RFC 4466, 2.3; RFC 7162, 3.1.8 and 3.2.5)
 *
 * Pure; sets point into the command.
 */
#ifndef SELECT_ARGS_H
#define SELECT_ARGS_H

#include "imapd/lex.h"

struct select_args {
	bool condstore; /* CONDSTORE, or QRESYNC, which has it in it */
	bool qresync;
	/* Of QRESYNC; sets have no `*`, those of the match are in order. */
	uint32_t validity;
	uint64_t modseq;
	struct lex_text known;	       /* UIDs; len 0: all */
	struct lex_text match_numbers; /* len 0: none */
	struct lex_text match_uids;
};

/* "" or " (CONDSTORE)" or " (QRESYNC (67890007 90060115194045000 41,43:211))",
 * up to the end of the command. */
bool select_args_lex(struct lex *l, struct select_args *args_r)
	__attribute__((warn_unused_result));

/* mod-sequence-value and mod-sequence-valzer: below 2^63. */
bool select_args_modseq(struct lex *l, uint64_t *modseq_r)
	__attribute__((warn_unused_result));

#endif
