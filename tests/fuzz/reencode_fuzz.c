/* Any message: made 7-bit it has no octets above 127, and a second time needs
 * nothing. */
#include <stdint.h>
#include <stdlib.h>
#include "mime/reencode.h"

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
	static struct reencode c;
	char const *s = (char const *)data;

	reencode_start(&c, false, false);
	reencode_push(&c, s, size / 2);
	reencode_push(&c, s + size / 2, size - size / 2);
	if (reencode_end(&c) && c.is_needed) {
		reencode_write(&c, put, NULL);
		reencode_push(&c, s, size);
		if (!reencode_end(&c))
			abort();
	}
	reencode_free(&c);
	return 0;
}
