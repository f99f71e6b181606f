/* Values against the keys of a test; see state.h. */
#include <stdio.h>
#include <string.h>
#include "local/sieve/compare.h"
#include "local/sieve/grammar.h"
#include "local/sieve/state.h"

static bool
keep_captures(
	struct sieve_run *r, char const *s, struct sieve_captures const *c)
{
	struct sieve_variables *const v = &r->variables[r->unit];

	for (size_t i = 0; i < SIEVE_MATCHES_MAX; i++) {
		struct sieve_span const span =
			i < c->count ? c->spans[i] : (struct sieve_span){0, 0};

		if (!sieve_variable_put(
			    &v->matches[i], s + span.start, span.len))
			return sieve_fail_memory(r);
	}
	return true;
}

static bool
match_key(struct sieve_matcher *m, char const *s, size_t len)
{
	struct sieve_run *const r = m->r;
	stralloc const *const key = &r->key;
	enum sieve_comparator const by = m->n->comparator;
	struct sieve_captures captures;
	uint64_t cost = 1;

	switch ((enum sieve_match)m->n->match) {
	case SIEVE_IS:
		m->matched =
			sieve_compare_is(by, s, len, key->s, key->len, &cost);
		break;
	case SIEVE_CONTAINS:
		m->matched = sieve_compare_contains(
			by, s, len, key->s, key->len, &cost);
		break;
	case SIEVE_VALUE:
		m->matched = sieve_compare_relation(
			m->n->relation, sieve_compare_order(by, s, len, key->s,
						key->len, &cost));
		break;
	case SIEVE_MATCHES:
		m->matched = sieve_compare_matches(
			by, s, len, key->s, key->len, &captures, &cost);
		if (m->matched && sieve_requires(r, SIEVE_X_VARIABLES) &&
			!keep_captures(r, s, &captures))
			return false;
		break;
	case SIEVE_COUNT:
		break;
	}
	return sieve_spend(r, cost);
}

bool
sieve_match_value(struct sieve_matcher *m, char const *s, size_t len)
{
	m->count++;
	for (uint32_t i = 0; m->n->match != SIEVE_COUNT && !m->matched &&
			     i < m->n->args[1].count;
		i++)
		if (!sieve_get(m->r, m->n->args[1], i, &m->r->key) ||
			!match_key(m, s != NULL ? s : "", len))
			return false;
	return sieve_spend(m->r, 1);
}

int
sieve_match_end(struct sieve_matcher *m)
{
	char digits[24];
	int len;

	if (m->n->match != SIEVE_COUNT)
		return m->matched;
	len = snprintf(
		digits, sizeof digits, "%llu", (unsigned long long)m->count);
	for (uint32_t i = 0; !m->matched && i < m->n->args[1].count; i++) {
		uint64_t cost = 1;

		if (!sieve_get(m->r, m->n->args[1], i, &m->r->key))
			return -1;
		/* A count is a number, whatever the comparator (RFC 5231,
		 * 4.2). */
		m->matched = sieve_compare_relation(m->n->relation,
			sieve_compare_order(SIEVE_NUMERIC, digits, (size_t)len,
				m->r->key.s, m->r->key.len, &cost));
	}
	return m->matched;
}
