/*
 * set.h - sequence sets (RFC 3501, 9: sequence-set)
 *
 * A set stays the text that it is; ranges are read from it one by one. Pure.
 */
#ifndef SET_H
#define SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imapd/lex.h"

/* `*` in a range. */
#define SET_STAR UINT32_MAX

/* Read a set at the cursor; `$` (saved.h) is one, without ranges here. */
bool set_lex(struct lex *l, struct lex_text *set_r)
	__attribute__((warn_unused_result));

/*
 * Give the next range of a checked set and move *pos on (0 at first). first
 * and last in the order written, `*` as SET_STAR.
 */
bool set_next(struct lex_text const *set, size_t *pos, uint32_t *first_r,
	uint32_t *last_r) __attribute__((warn_unused_result));

/*
 * The next range with `*` replaced by star, the smaller number first.
 */
bool set_range(struct lex_text const *set, size_t *pos, uint32_t star,
	uint32_t *first_r, uint32_t *last_r)
	__attribute__((warn_unused_result));

#endif
