/*
 * list_args.h - what LIST asks for (RFC 9051, 6.3.9; RFC 5258; RFC 5819
 * LIST-STATUS; RFC 6154 SPECIAL-USE)
 *
 * Pure.
 */
#ifndef LIST_ARGS_H
#define LIST_ARGS_H

#include "common/boxname.h"
#include "imapd/lex.h"

/* Octets of all patterns with the reference in front of each: the time that a
 * name costs is their sum. */
#define LIST_PATTERNS_LEN 8192
#define LIST_PATTERNS_MAX 256

#define LIST_SUBSCRIBED 1u
#define LIST_SPECIAL_USE 2u
#define LIST_RECURSIVE 4u
#define LIST_REMOTE 8u
#define LIST_CHILDREN 16u
#define LIST_STATUS 32u
#define LIST_MYRIGHTS 64u /* RFC 8440 */

struct list_args {
	bool extended;	  /* RFC 5258, 3: there are options or a list */
	unsigned select;  /* LIST_* */
	unsigned returns; /* LIST_* */
	unsigned status;  /* see status.h */
	size_t count;	  /* patterns; 0: LIST "" "" */
	struct {
		uint16_t start, len;
	} patterns[LIST_PATTERNS_MAX];
	size_t used;
	char text[LIST_PATTERNS_LEN];
};

/* What stands behind LIST or (lsub: without options) LSUB. utf8: of names.
 * status: reads the items behind STATUS. */
bool list_args_lex(struct lex *l, bool lsub, bool utf8,
	bool (*status)(struct lex *l, unsigned *wanted_r),
	struct list_args *args_r) __attribute__((warn_unused_result));

/* Does a name match one of the patterns? */
bool list_args_match(struct list_args const *args, char const *name);

#endif
