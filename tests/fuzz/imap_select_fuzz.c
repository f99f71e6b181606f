/* The parameters of SELECT and the modifiers of FETCH. */
#include <stdlib.h>
#include <string.h>

#include "imapd/fetch_args.h"
#include "imapd/select_args.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static struct fetch_args fetch;
	struct select_args args;
	char *const text = malloc(size + 1);
	struct lex l;

	if (text == NULL)
		return 0;
	lex_init(&l, (char const *)data, size, text);
	if (select_args_lex(&l, &args) && args.qresync &&
		(args.validity == 0 || args.modseq > INT64_MAX ||
			(args.match_numbers.len > 0) !=
				(args.match_uids.len > 0)))
		abort();
	lex_init(&l, (char const *)data, size, text);
	if (fetch_args_modifiers(&l, &fetch) && fetch.vanished &&
		!fetch.conditional)
		abort();
	free(text);
	return 0;
}
