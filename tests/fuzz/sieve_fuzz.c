/* A Sieve script that nobody checked, over a message that nobody checked: they
 * stand in one input, with a NUL between them. */
#include <stdlib.h>
#include <string.h>
#include "local/sieve/run.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static int
load(void *data, char const *name, bool is_global, stralloc *text)
{
	(void)data;
	(void)is_global;
	return *name == 'n' ? 0
			    : (stralloc_copys(text,
				       "require [\"variables\", \"include\"];"
				       "set \"global.a\" \"${a}\";")
					      ? 1
					      : -1);
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static struct sieve_result result;
	char const *const s = (char const *)data;
	size_t const len = size > 0 ? strnlen(s, size) : 0;
	char const *const message = len < size ? s + len + 1 : "";
	size_t const message_len = len < size ? size - len - 1 : 0;
	struct sieve_loader const loader = {.load = load};
	struct sieve_program p = SIEVE_PROGRAM_ZERO;
	struct sieve_fault fault;
	struct sieve_mail const mail = {.header = message,
		.header_len = header_end(message, message_len, HEADER_MAX),
		.message = message,
		.message_len = message_len,
		.size = message_len,
		.from = "a@b",
		.from_len = 3,
		.to = "c+d@e",
		.to_len = 5,
		.now = 1017700200,
		.hostname = "h.example"};

	if (size > 65536)
		return 0;
	if (sieve_compile(&p, s, len, &loader, &fault)) {
		sieve_run(&p, &mail, &result);
		if (result.failed &&
			(result.count != 1 ||
				result.actions[0].kind != SIEVE_DO_KEEP))
			abort();
		sieve_result_free(&result);
	}
	sieve_program_free(&p);
	return 0;
}
