/*
 * compare.h - comparators and match types (RFC 5228, 2.7; RFC 4790; RFC 5231)
 *
 * Pure, nothing is allocated. cost counts the octets that were looked at, so
 * that whoever calls can end a script that has too much done: a glob is tried
 * once at each place behind a `*`, never in nested ways, but that is still the
 * product of both lengths at worst.
 */
#ifndef SIEVE_COMPARE_H
#define SIEVE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "local/sieve/program.h"

struct sieve_span {
	size_t start, len;
};

/* What the wildcards of a glob stand for; [0] is all of the text. */
struct sieve_captures {
	struct sieve_span spans[10];
	size_t count;
};

bool sieve_compare_is(enum sieve_comparator by, char const *a, size_t a_len,
	char const *b, size_t b_len, uint64_t *cost);

/* Less than, equal to or greater than 0. */
int sieve_compare_order(enum sieve_comparator by, char const *a, size_t a_len,
	char const *b, size_t b_len, uint64_t *cost);

bool sieve_compare_relation(enum sieve_relation relation, int order);

bool sieve_compare_contains(enum sieve_comparator by, char const *text,
	size_t text_len, char const *key, size_t key_len, uint64_t *cost);

/*
 * Whether all of the text matches the pattern: `*` any octets, as few as will
 * do, `?` one character (with i;octet one octet), `\` takes the meaning of the
 * character behind it. captures_r may be NULL, and is filled only on success.
 */
bool sieve_compare_matches(enum sieve_comparator by, char const *text,
	size_t text_len, char const *pattern, size_t pattern_len,
	struct sieve_captures *captures_r, uint64_t *cost);

#endif
