/* Comparators and match types; see compare.h. */
#include <string.h>
#include "local/sieve/compare.h"

#define CAPTURES_MAX 10

static unsigned char
fold(enum sieve_comparator by, char c)
{
	return by == SIEVE_CASEMAP && c >= 'A' && c <= 'Z'
		       ? (unsigned char)(c | 0x20)
		       : (unsigned char)c;
}

/* The digits at the start, without zeros in front (RFC 4790, 9.1). */
static size_t
digits(char const **s, size_t len, bool *is_number)
{
	size_t n = 0, zeros = 0;

	while (n < len && (*s)[n] >= '0' && (*s)[n] <= '9')
		n++;
	*is_number = n > 0;
	while (zeros < n && (*s)[zeros] == '0')
		zeros++;
	*s += zeros;
	return n - zeros;
}

/* What is no number is greater than all of them. */
static int
order_numbers(char const *a, size_t a_len, char const *b, size_t b_len)
{
	bool a_is, b_is;

	a_len = digits(&a, a_len, &a_is);
	b_len = digits(&b, b_len, &b_is);
	if (!a_is || !b_is)
		return b_is - a_is;
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return a_len > 0 ? memcmp(a, b, a_len) : 0;
}

int
sieve_compare_order(enum sieve_comparator by, char const *a, size_t a_len,
	char const *b, size_t b_len, uint64_t *cost)
{
	size_t const len = a_len < b_len ? a_len : b_len;
	size_t i = 0;

	if (by == SIEVE_NUMERIC) {
		*cost += a_len + b_len;
		return order_numbers(a, a_len, b, b_len);
	}
	/* i;ascii-casemap has lower case letters become upper ones before
	 * they are ordered (RFC 4790, 9.2.1). */
	for (; i < len; i++) {
		unsigned char x = fold(by, a[i]), y = fold(by, b[i]);

		if (x == y)
			continue;
		*cost += i;
		if (by == SIEVE_CASEMAP) {
			x = x >= 'a' && x <= 'z' ? (unsigned char)(x ^ 0x20)
						 : x;
			y = y >= 'a' && y <= 'z' ? (unsigned char)(y ^ 0x20)
						 : y;
		}
		return x < y ? -1 : 1;
	}
	*cost += len;
	return (a_len > b_len) - (a_len < b_len);
}

bool
sieve_compare_is(enum sieve_comparator by, char const *a, size_t a_len,
	char const *b, size_t b_len, uint64_t *cost)
{
	if (by != SIEVE_NUMERIC && a_len != b_len) {
		++*cost;
		return false;
	}
	return sieve_compare_order(by, a, a_len, b, b_len, cost) == 0;
}

bool
sieve_compare_relation(enum sieve_relation relation, int order)
{
	switch (relation) {
	case SIEVE_GT:
		return order > 0;
	case SIEVE_GE:
		return order >= 0;
	case SIEVE_LT:
		return order < 0;
	case SIEVE_LE:
		return order <= 0;
	case SIEVE_EQ:
		return order == 0;
	case SIEVE_NE:
		return order != 0;
	}
	return false;
}

bool
sieve_compare_contains(enum sieve_comparator by, char const *text,
	size_t text_len, char const *key, size_t key_len, uint64_t *cost)
{
	unsigned char first;

	if (key_len == 0)
		return true;
	if (key_len > text_len)
		return false;
	first = fold(by, *key);
	for (size_t i = 0; i + key_len <= text_len; i++) {
		size_t n = 1;

		++*cost;
		if (fold(by, text[i]) != first)
			continue;
		while (n < key_len && fold(by, text[i + n]) == fold(by, key[n]))
			n++;
		*cost += n;
		if (n == key_len)
			return true;
	}
	return false;
}

struct glob {
	enum sieve_comparator by;
	char const *text, *pattern;
	size_t text_len, pattern_len;
	struct sieve_captures captures;
	uint64_t *cost;
};

static void
capture(struct glob *g, size_t index, size_t start, size_t len)
{
	if (index < CAPTURES_MAX)
		g->captures.spans[index] = (struct sieve_span){start, len};
}

/* Octets of the character at a place of the text. */
static size_t
one_character(struct glob const *g, size_t at)
{
	size_t n = 1;

	if (g->by != SIEVE_OCTET && ((unsigned char)g->text[at] & 0xc0) == 0xc0)
		while (n < 4 && at + n < g->text_len &&
			((unsigned char)g->text[at + n] & 0xc0) == 0x80)
			n++;
	return n;
}

/* A piece of the pattern without `*`, at a place of the text. False: it does
 * not stand there; else *end_r is where it ends. index: of its first `?`. */
static bool
match_piece(struct glob *g, size_t from, size_t to, size_t at, size_t index,
	size_t *end_r)
{
	for (size_t p = from; p < to; p++) {
		++*g->cost;
		if (at >= g->text_len)
			return false;
		if (g->pattern[p] == '?') {
			size_t const n = one_character(g, at);

			capture(g, index++, at, n);
			at += n;
			continue;
		}
		if (g->pattern[p] == '\\' && p + 1 < to)
			p++;
		if (fold(g->by, g->text[at]) != fold(g->by, g->pattern[p]))
			return false;
		at++;
	}
	*end_r = at;
	return true;
}

/* Where the piece that starts at from ends; how many `?` it has. */
static size_t
piece_end(struct glob const *g, size_t from, size_t *wildcards)
{
	size_t p = from;

	for (*wildcards = 0; p < g->pattern_len && g->pattern[p] != '*'; p++) {
		*wildcards += g->pattern[p] == '?';
		if (g->pattern[p] == '\\' && p + 1 < g->pattern_len)
			p++;
	}
	return p;
}

/* The first place from `at` on where the piece stands; if it is the last one,
 * where it also ends the text. */
static bool
find_piece(struct glob *g, size_t from, size_t to, size_t *at, size_t index,
	size_t *end)
{
	bool const is_last = to == g->pattern_len;
	/* No character has more than four octets. */
	size_t const octets_max = 4 * (to - from);

	if (is_last && g->text_len - *at > octets_max) {
		*at = g->text_len - octets_max;
		/* Not in the middle of a character. */
		while (g->by != SIEVE_OCTET && *at < g->text_len &&
			((unsigned char)g->text[*at] & 0xc0) == 0x80)
			++*at;
	}
	for (; *at <= g->text_len; ++*at)
		if (match_piece(g, from, to, *at, index, end) &&
			(!is_last || *end == g->text_len))
			return true;
	return false;
}

static bool
match(struct glob *g)
{
	size_t wildcards, index = 1, start, at, end;
	size_t from = 0, to = piece_end(g, 0, &wildcards);

	if (!match_piece(g, from, to, 0, index, &end))
		return false;
	while (to < g->pattern_len) {
		size_t const star = index + wildcards;

		start = at = end;
		from = to + 1;
		to = piece_end(g, from, &wildcards);
		index = star + 1;
		if (!find_piece(g, from, to, &at, index, &end))
			return false;
		capture(g, star, start, at - start);
	}
	g->captures.count = index + wildcards;
	return end == g->text_len;
}

bool
sieve_compare_matches(enum sieve_comparator by, char const *text,
	size_t text_len, char const *pattern, size_t pattern_len,
	struct sieve_captures *captures_r, uint64_t *cost)
{
	struct glob g = {.by = by,
		.text = text,
		.text_len = text_len,
		.pattern = pattern,
		.pattern_len = pattern_len,
		.cost = cost};

	capture(&g, 0, 0, text_len);
	if (!match(&g))
		return false;
	if (g.captures.count > CAPTURES_MAX)
		g.captures.count = CAPTURES_MAX;
	if (captures_r != NULL)
		*captures_r = g.captures;
	return true;
}
