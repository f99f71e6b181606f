/* Any two addresses: what is made of them is an address, and is read back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/verp.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	char const *end = memchr(s, '\n', size);
	char made[VERP_SIZE], read[VERP_SIZE], again[VERP_SIZE];
	char fields[VERP_FIELDS_MAX];
	enum addr_error ignored;
	struct addr a;
	size_t n, len;

	(void)verp_read(s, size, read);
	if (end == NULL)
		return 0;
	n = (size_t)(end - s);
	len = verp_make(s, n, end + 1, size - n - 1, made);
	if (len == 0)
		return 0;
	if (!addr_parse(made, len, ADDR_ALLOW_LONG | ADDR_ALLOW_UTF8, &a,
		    &ignored) ||
		verp_read(a.local, a.local_len, read) == 0)
		abort();
	/* Needless quotes and escapes may have gone; then it stays as it is. */
	if (verp_make(s, n, read, strlen(read), again) != len ||
		memcmp(again, made, len) != 0)
		abort();
	if (verp_fields("https://a/?", 11, "t", 1, s, n, fields) == 0)
		abort();
	return 0;
}
