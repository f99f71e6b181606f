/* Flags in commands; see flag_args.h. */
#include <strings.h>

#include "imapd/flag_args.h"

char const *const flag_names[FLAG_COUNT] = {
	"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"};

static bool
add_keyword(struct flag_args *args, struct lex_text const *word)
{
	if (word->len > FLAG_KEYWORD_LEN)
		return false;
	for (unsigned i = 0; i < args->keywords_count; i++)
		if (args->keywords[i].len == word->len &&
			strncasecmp(args->keywords[i].s, word->s, word->len) ==
				0)
			return true;
	if (args->keywords_count ==
		sizeof args->keywords / sizeof *args->keywords)
		return false;
	args->keywords[args->keywords_count++] = *word;
	return true;
}

static bool
flag(struct lex *l, struct flag_args *args)
{
	struct lex_text word;

	if (lex_peek(l) != '\\')
		return lex_atom(l, &word) && add_keyword(args, &word);

	char const *const start = l->s + l->pos++;

	if (!lex_atom(l, &word))
		return false;
	word = (struct lex_text){start, word.len + 1};
	for (unsigned i = 0; i < FLAG_COUNT; i++)
		if (lex_is(&word, flag_names[i])) {
			args->system |= 1u << i;
			return true;
		}
	/* \Recent belongs to the server; some clients send back in APPEND
	 * all flags that they were told. */
	return lex_is(&word, "\\Recent");
}

bool
flag_args_lex(struct lex *l, bool bare, struct flag_args *args_r)
{
	bool const parens = lex_char(l, '(');

	args_r->system = args_r->keywords_count = 0;
	if (!parens && !bare)
		return false;
	if (parens && lex_char(l, ')'))
		return true;
	do
		if (!flag(l, args_r))
			return false;
	while (lex_char(l, ' '));
	return !parens || lex_char(l, ')');
}

bool
flag_args_store(struct lex *l, enum flag_store *how_r, bool *silent_r,
	struct flag_args *args_r)
{
	struct lex_text word;

	*how_r = FLAG_STORE_SET;
	if (lex_char(l, '+'))
		*how_r = FLAG_STORE_ADD;
	else if (lex_char(l, '-'))
		*how_r = FLAG_STORE_REMOVE;
	if (!lex_atom(l, &word))
		return false;
	*silent_r = lex_is(&word, "FLAGS.SILENT");
	if (!*silent_r && !lex_is(&word, "FLAGS"))
		return false;
	return lex_space(l) && flag_args_lex(l, true, args_r);
}
