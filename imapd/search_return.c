/* RETURN (...); see search_return.h. */
#include "imapd/search_return.h"

static bool
range_number(struct lex *l, bool from_end, uint32_t *n_r)
{
	uint64_t n;

	if ((from_end && !lex_char(l, '-')) || !lex_number(l, UINT32_MAX, &n) ||
		n == 0)
		return false;
	*n_r = (uint32_t)n;
	return true;
}

bool
search_return_range(
	struct lex *l, bool *from_end_r, uint32_t *first_r, uint32_t *last_r)
{
	*from_end_r = lex_peek(l) == '-';
	return range_number(l, *from_end_r, first_r) && lex_char(l, ':') &&
	       range_number(l, *from_end_r, last_r);
}

void
search_return_window(struct search_return const *r, size_t count,
	size_t *from_r, size_t *to_r)
{
	size_t low = r->first < r->last ? r->first : r->last;
	size_t high = r->first < r->last ? r->last : r->first;

	*from_r = *to_r = 0;
	if (low > count)
		return;
	if (high > count)
		high = count;
	*from_r = r->from_end ? count - high : low - 1;
	*to_r = r->from_end ? count - low + 1 : high;
}

static bool
option(struct lex *l, struct search_return *r)
{
	struct lex_text word;

	if (!lex_atom(l, &word))
		return false;
	if (lex_is(&word, "MIN"))
		r->min = true;
	else if (lex_is(&word, "MAX"))
		r->max = true;
	else if (lex_is(&word, "ALL"))
		r->all = true;
	else if (lex_is(&word, "COUNT"))
		r->count = true;
	else if (lex_is(&word, "SAVE"))
		r->save = true;
	else if (lex_is(&word, "CONTEXT"))
		r->context = true;
	else if (lex_is(&word, "UPDATE"))
		r->update = true;
	else if (!lex_is(&word, "PARTIAL") || r->partial || !lex_space(l) ||
		 !search_return_range(l, &r->from_end, &r->first, &r->last))
		return false;
	else
		r->partial = true;
	return true;
}

bool
search_return_lex(struct lex *l, struct search_return *return_r)
{
	struct lex probe = *l;
	struct search_return r = {0};
	struct lex_text word;

	*return_r = r;
	if (!lex_space(&probe) || !lex_atom(&probe, &word) ||
		!lex_is(&word, "RETURN"))
		return true;
	*l = probe;
	if (!lex_space(l) || !lex_char(l, '('))
		return false;
	r.extended = true;
	if (lex_char(l, ')')) {
		r.all = true;
		*return_r = r;
		return true;
	}
	do
		if (!option(l, &r))
			return false;
	while (lex_char(l, ' '));
	/* RFC 9394, 3.1: one of them at most. */
	if (!lex_char(l, ')') || (r.partial && r.all))
		return false;
	*return_r = r;
	return true;
}
