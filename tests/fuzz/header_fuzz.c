/* Any header: its fields lie side by side and end where header_end says. */
#include <stdint.h>
#include <stdlib.h>
#include "mime/header.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	struct header_field field;
	size_t pos = 0, expected = 0;
	char *out = malloc(size + 1);

	while (header_next(s, size, &pos, &field) > 0) {
		if (field.line != s + expected || field.line_len == 0 ||
			field.name != field.line ||
			field.name_len > field.line_len ||
			field.value < field.line ||
			field.value + field.value_len >
				field.line + field.line_len)
			abort();
		if (header_unfold(field.value, field.value_len, out) >
			field.value_len)
			abort();
		expected += field.line_len;
		if (pos != expected)
			abort();
	}
	if (pos != header_end(s, size, HEADER_MAX))
		abort();
	(void)!header_find(s, size, "subject", &field);
	free(out);
	return 0;
}
