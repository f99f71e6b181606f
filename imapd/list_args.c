/* What LIST asks for; see list_args.h. */
#include <string.h>

#include "imapd/list_args.h"
#include "imapd/naming.h"

static bool
add_pattern(struct list_args *args, struct lex_text const *reference,
	struct lex_text const *pattern, bool utf8)
{
	size_t const start = args->used;
	size_t len;

	/* LIST "" "" asks for the separator alone. */
	if (pattern->len == 0)
		return true;
	if (args->count == LIST_PATTERNS_MAX ||
		!naming_pattern(utf8, reference->s, reference->len,
			args->text + args->used, sizeof args->text - args->used,
			&len))
		return false;
	args->used += len;
	if (!naming_pattern(utf8, pattern->s, pattern->len,
		    args->text + args->used, sizeof args->text - args->used,
		    &len))
		return false;
	args->used += len;
	args->patterns[args->count].start = (uint16_t)start;
	args->patterns[args->count++].len = (uint16_t)(args->used - start);
	return true;
}

static bool
patterns(struct lex *l, struct list_args *args, bool utf8)
{
	struct lex_text reference, pattern;
	bool list;

	if (!lex_astring(l, &reference) || !lex_space(l))
		return false;
	list = lex_char(l, '(');
	args->extended |= list;
	do
		if (!lex_list_mailbox(l, &pattern) ||
			!add_pattern(args, &reference, &pattern, utf8))
			return false;
	while (list && lex_char(l, ' '));
	return !list || lex_char(l, ')');
}

static bool
select_option(struct lex_text const *word, struct list_args *args)
{
	if (lex_is(word, "SUBSCRIBED"))
		args->select |= LIST_SUBSCRIBED;
	else if (lex_is(word, "SPECIAL-USE"))
		args->select |= LIST_SPECIAL_USE;
	else if (lex_is(word, "RECURSIVEMATCH"))
		args->select |= LIST_RECURSIVE;
	else if (lex_is(word, "REMOTE"))
		args->select |= LIST_REMOTE;
	else
		return false;
	return true;
}

static bool
select_options(struct lex *l, struct list_args *args)
{
	struct lex_text word;

	if (!lex_char(l, '('))
		return true;
	args->extended = true;
	if (!lex_char(l, ')')) {
		do
			if (!lex_atom(l, &word) || !select_option(&word, args))
				return false;
		while (lex_char(l, ' '));
		if (!lex_char(l, ')'))
			return false;
	}
	/* RFC 5258, 3.1: not alone, nor with REMOTE alone. */
	return lex_space(l) &&
	       (!(args->select & LIST_RECURSIVE) ||
		       args->select & (LIST_SUBSCRIBED | LIST_SPECIAL_USE));
}

static bool
return_option(struct lex *l, struct list_args *args,
	bool (*status)(struct lex *l, unsigned *wanted_r))
{
	struct lex_text word;

	if (!lex_atom(l, &word))
		return false;
	if (lex_is(&word, "SUBSCRIBED"))
		args->returns |= LIST_SUBSCRIBED;
	else if (lex_is(&word, "CHILDREN"))
		args->returns |= LIST_CHILDREN;
	else if (lex_is(&word, "SPECIAL-USE"))
		args->returns |= LIST_SPECIAL_USE;
	else if (lex_is(&word, "MYRIGHTS"))
		args->returns |= LIST_MYRIGHTS;
	else if (lex_is(&word, "STATUS")) {
		args->returns |= LIST_STATUS;
		return lex_space(l) && status(l, &args->status);
	} else
		return false;
	return true;
}

static bool
return_options(struct lex *l, struct list_args *args,
	bool (*status)(struct lex *l, unsigned *wanted_r))
{
	struct lex_text word;

	if (lex_end(l))
		return true;
	/* lex_end takes blanks away only in front of the end. */
	if (!lex_atom(l, &word) || !lex_is(&word, "RETURN") || !lex_space(l) ||
		!lex_char(l, '('))
		return false;
	args->extended = true;
	if (!lex_char(l, ')')) {
		do
			if (!return_option(l, args, status))
				return false;
		while (lex_char(l, ' '));
		if (!lex_char(l, ')'))
			return false;
	}
	return lex_end(l);
}

bool
list_args_lex(struct lex *l, bool lsub, bool utf8,
	bool (*status)(struct lex *l, unsigned *wanted_r),
	struct list_args *args_r)
{
	args_r->extended = false;
	args_r->select = args_r->returns = args_r->status = 0;
	args_r->count = args_r->used = 0;
	if (!lex_space(l))
		return false;
	if (lsub)
		return patterns(l, args_r, utf8) && !args_r->extended &&
		       lex_end(l);
	if (!select_options(l, args_r))
		return false;
	/* RFC 5258, 3.1: what was selected by is told. */
	args_r->returns |=
		args_r->select & (LIST_SUBSCRIBED | LIST_SPECIAL_USE);
	return patterns(l, args_r, utf8) && return_options(l, args_r, status);
}

bool
list_args_match(struct list_args const *args, char const *name)
{
	size_t const len = strlen(name);

	for (size_t i = 0; i < args->count; i++)
		if (boxname_match(args->text + args->patterns[i].start,
			    args->patterns[i].len, name, len))
			return true;
	return false;
}
