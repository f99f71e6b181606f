/* A whole IMAP command: tag, verb and the arguments of every verb. */
#include <stdlib.h>
#include <string.h>

#include "common/boxname.h"
#include "imapd/command.h"
#include "imapd/fetch_args.h"
#include "imapd/flag_args.h"
#include "imapd/search_key.h"
#include "imapd/search_return.h"
#include "imapd/sort_args.h"
#include "imapd/set.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void
arguments(struct command const *c)
{
	static struct fetch_args fetch;
	static struct search_args search;
	struct search_return answer;
	struct sort_args sort;
	struct flag_args flags;
	struct lex_text word;
	struct lex l;
	enum flag_store how;
	bool silent;
	int64_t time;
	char name[BOXNAME_MAX + 1];
	size_t const size = c->lex.len;
	size_t from, to;

	l = c->lex;
	(void)(lex_space(&l) && set_lex(&l, &word) && lex_space(&l) &&
		fetch_args_lex(&l, &fetch) && lex_end(&l));
	l = c->lex;
	(void)(search_return_lex(&l, &answer) && lex_space(&l) &&
		search_args_lex(&l, &search) && lex_end(&l));
	l = c->lex;
	if (search_return_lex(&l, &answer) && lex_space(&l) &&
		sort_args_lex(&l, &sort) && lex_space(&l) &&
		search_args_lex_charset(&l, &search) && answer.partial) {
		search_return_window(&answer, size, &from, &to);
		if (from > to || to > size)
			abort();
	}
	l = c->lex;
	(void)(lex_space(&l) && set_lex(&l, &word) && lex_space(&l) &&
		flag_args_store(&l, &how, &silent, &flags) && lex_end(&l));
	l = c->lex;
	if (lex_space(&l) && lex_astring(&l, &word)) {
		if (boxname_check(word.s, word.len, name) &&
			strlen(name) != word.len)
			abort();
		(void)(lex_space(&l) && flag_args_lex(&l, false, &flags) &&
			lex_space(&l) && lex_date_time(&l, &time));
	}
	l = c->lex;
	if (lex_space(&l) && lex_list_mailbox(&l, &word))
		(void)boxname_match(word.s, word.len, "INBOX.a.b", 9);
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	struct command c;
	uint64_t literal;
	bool synchronizing;
	char *copy, *text;

	if (size > COMMAND_MAX)
		return 0;
	copy = malloc(size > 0 ? size : 1);
	text = malloc(size > 0 ? size : 1);
	if (copy != NULL && text != NULL) {
		if (size > 0)
			memcpy(copy, data, size);
		(void)lex_literal(copy, size, &literal, &synchronizing);
		if (command_parse(copy, size, text, &c))
			arguments(&c);
	}
	free(copy);
	free(text);
	return 0;
}
