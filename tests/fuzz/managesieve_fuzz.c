/* Commands of ManageSieve, answers to challenges, ends of lines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "local/managesieve/command.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check(struct managesieve_argument const *a, char const *s, size_t len)
{
	if (a->s != NULL &&
		(a->s < s || a->len > len || a->s + a->len > s + len))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct managesieve_command c;
	struct managesieve_argument a;
	char *const s = malloc(size > 0 ? size : 1);
	uint32_t n;

	if (s == NULL)
		return 0;
	memcpy(s, data, size);
	(void)!managesieve_literal(s, size, &n);
	if (managesieve_parse(s, size, &c) == NULL &&
		c.verb == MANAGESIEVE_UNKNOWN)
		abort();
	for (size_t i = 0; i < c.count; i++)
		check(&c.args[i], s, size);
	memcpy(s, data, size);
	if (managesieve_string(s, size, &a))
		check(&a, s, size);
	free(s);
	return 0;
}
