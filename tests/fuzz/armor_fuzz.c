/* Any octets as a text with armored blocks, and as HTML with one. */
#include <stdint.h>
#include <stdlib.h>
#include "mime/armor.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	stralloc out = STRALLOC_ZERO;
	struct armor a;
	size_t pos = 0;

	while (armor_find(s, size, pos, &a)) {
		if (a.start < pos || a.end <= a.start || a.end > size)
			abort();
		pos = a.end;
	}
	if (!armor_from_html(s, size, &out) || out.len > size + 1)
		abort();
	stralloc_free(&out);
	return 0;
}
