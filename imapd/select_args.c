/* The parameters of SELECT; see select_args.h. */
#include "imapd/select_args.h"
#include "imapd/set.h"

bool
select_args_modseq(struct lex *l, uint64_t *modseq_r)
{
	return lex_number(l, INT64_MAX, modseq_r);
}

/* RFC 7162, 7: known-uids and the like have no `*`. */
static bool
plain_set(struct lex *l, bool ordered, struct lex_text *set_r)
{
	uint32_t first, last, before = 0;
	size_t pos = 0;

	if (!set_lex(l, set_r))
		return false;
	while (set_next(set_r, &pos, &first, &last)) {
		if (first == SET_STAR || last == SET_STAR ||
			(ordered && (first <= before || last < first)))
			return false;
		before = last;
	}
	return true;
}

static bool
qresync(struct lex *l, struct select_args *args)
{
	uint64_t validity;

	if (!lex_space(l) || !lex_char(l, '(') ||
		!lex_number(l, UINT32_MAX, &validity) || validity == 0 ||
		!lex_space(l) || !select_args_modseq(l, &args->modseq) ||
		args->modseq == 0)
		return false;
	args->validity = (uint32_t)validity;
	if (lex_space(l) && lex_peek(l) != '(' &&
		(!plain_set(l, false, &args->known) ||
			(lex_peek(l) != ')' && !lex_space(l))))
		return false;
	if (lex_char(l, '(') &&
		(!plain_set(l, true, &args->match_numbers) || !lex_space(l) ||
			!plain_set(l, true, &args->match_uids) ||
			!lex_char(l, ')')))
		return false;
	return lex_char(l, ')');
}

bool
select_args_lex(struct lex *l, struct select_args *args_r)
{
	bool const blank = lex_peek(l) == ' ';
	struct lex_text word;

	*args_r = (struct select_args){0};
	/* That goes over the blank. */
	if (lex_end(l))
		return true;
	if (!blank || !lex_char(l, '('))
		return false;
	do {
		if (!lex_atom(l, &word))
			return false;
		if (lex_is(&word, "QRESYNC") && !args_r->qresync) {
			args_r->qresync = true;
			if (!qresync(l, args_r))
				return false;
		} else if (!lex_is(&word, "CONDSTORE")) {
			return false;
		}
		args_r->condstore = true;
	} while (lex_space(l));
	return lex_char(l, ')') && lex_end(l);
}
