/* Sequence sets; see set.h. */
#include "imapd/set.h"

/* A UID of 4294967295 cannot be told from `*`; none is ever given. */
static bool
number(struct lex *l, uint32_t *n_r)
{
	uint64_t n;

	if (lex_char(l, '*')) {
		*n_r = SET_STAR;
		return true;
	}
	if (!lex_number(l, UINT32_MAX, &n) || n == 0)
		return false;
	*n_r = n == SET_STAR ? SET_STAR - 1 : (uint32_t)n;
	return true;
}

static bool
range(struct lex *l, uint32_t *first_r, uint32_t *last_r)
{
	if (!number(l, first_r))
		return false;
	*last_r = *first_r;
	return !lex_char(l, ':') || number(l, last_r);
}

bool
set_lex(struct lex *l, struct lex_text *set_r)
{
	size_t const start = l->pos;
	uint32_t first, last;

	/* RFC 5182: it stands alone. */
	if (lex_char(l, '$')) {
		*set_r = (struct lex_text){l->s + start, 1};
		return true;
	}
	do
		if (!range(l, &first, &last))
			return false;
	while (lex_char(l, ','));
	*set_r = (struct lex_text){l->s + start, l->pos - start};
	return true;
}

bool
set_next(struct lex_text const *set, size_t *pos, uint32_t *first_r,
	uint32_t *last_r)
{
	struct lex l = {.s = set->s, .len = set->len, .pos = *pos};

	if (l.pos >= l.len || !range(&l, first_r, last_r))
		return false;
	lex_char(&l, ',');
	*pos = l.pos;
	return true;
}

bool
set_range(struct lex_text const *set, size_t *pos, uint32_t star,
	uint32_t *first_r, uint32_t *last_r)
{
	if (!set_next(set, pos, first_r, last_r))
		return false;
	if (*first_r == SET_STAR)
		*first_r = star;
	if (*last_r == SET_STAR)
		*last_r = star;
	if (*first_r > *last_r) {
		uint32_t const swap = *first_r;

		*first_r = *last_r;
		*last_r = swap;
	}
	return true;
}
