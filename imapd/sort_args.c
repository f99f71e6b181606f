/* What SORT sorts by; see sort_args.h. */
#include "imapd/sort_args.h"

static char const *const names[] = {
	[SORT_ARRIVAL] = "ARRIVAL",
	[SORT_CC] = "CC",
	[SORT_DATE] = "DATE",
	[SORT_DISPLAYFROM] = "DISPLAYFROM",
	[SORT_DISPLAYTO] = "DISPLAYTO",
	[SORT_FROM] = "FROM",
	[SORT_SIZE] = "SIZE",
	[SORT_SUBJECT] = "SUBJECT",
	[SORT_TO] = "TO",
};

static bool
criterion(struct lex *l, struct sort_args *args)
{
	struct lex_text word;
	bool reverse = false;

	if (!lex_atom(l, &word))
		return false;
	if (lex_is(&word, "REVERSE")) {
		reverse = true;
		if (!lex_space(l) || !lex_atom(l, &word))
			return false;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!lex_is(&word, names[i]))
			continue;
		if (args->count == SORT_CRITERIA_MAX)
			return false;
		args->v[args->count].key = (enum sort_key)i;
		args->v[args->count++].reverse = reverse;
		return true;
	}
	return false;
}

bool
sort_args_lex(struct lex *l, struct sort_args *args_r)
{
	args_r->count = 0;
	if (!lex_char(l, '('))
		return false;
	do
		if (!criterion(l, args_r))
			return false;
	while (lex_char(l, ' '));
	return lex_char(l, ')');
}
