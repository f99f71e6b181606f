/* The file forward: whatever is in it becomes a script that can be read, and
 * that does nothing but keep and redirect. */
#include <stdlib.h>
#include "local/answer.h"
#include "local/filter.h"
#include "local/forwardfile.h"
#include "local/programline.h"
#include "local/seen.h"
#include "local/sieve/compile.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

/* The other things that are read of what a mailbox or a message holds. */
static void
read_others(char const *s, size_t size)
{
	struct answer_facts const f = {.header = s,
		.header_len = size,
		.sender = "a@b.test",
		.sender_len = 8,
		.recipient = "c@d.test",
		.recipient_len = 8,
		.hostname = "e.test"};
	struct sieve_action const a = {
		.target = s, .target_len = size, .handle = ""};
	stralloc out = STRALLOC_ZERO;

	(void)seen_find(s, size, "0123456789abcdef0123456789abcdef");
	if (filter_spam(s, size, false) > 10)
		abort();
	if (answer_refusal(&f, "") == NULL && !answer_vacation(&out, &f, &a))
		abort();
	out.len = 0;
	if (!answer_rejection(&out, &f, s, size))
		abort();
	stralloc_free(&out);
}

/* Whatever they say, what is executed lies below the folder. */
static void
read_programs(stralloc const *programs)
{
	static struct programline line;

	for (size_t at = 0; at < programs->len;
		at += strlen(programs->s + at) + 1)
		if (programline_parse(programs->s + at,
			    strlen(programs->s + at), "/p", &line) &&
			(strncmp(line.argv[0], "/p/", 3) != 0 ||
				strstr(line.argv[0], "/../") != NULL))
			abort();
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char const *const s = (char const *)data;
	struct sieve_program p = SIEVE_PROGRAM_ZERO;
	stralloc script = STRALLOC_ZERO;
	stralloc programs = STRALLOC_ZERO;
	struct sieve_fault fault;

	if (size > 4096 || size == 0)
		return 0;
	if (!forwardfile_script(
		    &script, s, size, size % 2 > 0 ? &programs : NULL))
		abort();
	if (sieve_compile(&p, script.s, script.len, NULL, &fault))
		for (size_t i = 1; i < p.node_count; i++)
			if (p.nodes[i].op != SIEVE_KEEP &&
				p.nodes[i].op != SIEVE_REDIRECT &&
				p.nodes[i].op != SIEVE_DISCARD)
				abort();
	sieve_program_free(&p);
	stralloc_free(&script);
	read_programs(&programs);
	stralloc_free(&programs);
	read_others(s, size);
	return 0;
}
