/* Any message: made 7-bit it has no octets above 127, and a second time needs
 * nothing. */
#include <stdint.h>
#include <stdlib.h>
#include "remote/sevenbit.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
put(void *data, char const *s, size_t len)
{
	(void)data;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 128)
			abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct sevenbit c;
	char const *s = (char const *)data;

	sevenbit_start(&c, false, false);
	sevenbit_push(&c, s, size / 2);
	sevenbit_push(&c, s + size / 2, size - size / 2);
	if (sevenbit_end(&c) && c.is_needed) {
		sevenbit_write(&c, put, NULL);
		sevenbit_push(&c, s, size);
		if (!sevenbit_end(&c))
			abort();
	}
	sevenbit_free(&c);
	return 0;
}
