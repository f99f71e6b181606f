/* Any section text: what is accepted ends where it says. */
#include <stdint.h>
#include <stdlib.h>
#include "mime/section.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char const message[] =
		"Content-Type: multipart/mixed; boundary=b\n\n"
		"--b\n\nx\n--b\nContent-Type: message/rfc822\n\n"
		"A: b\n\nc\n--b--\n";
	char const *s = (char const *)data;
	struct structure_part parts[10];
	struct section section;
	struct section_span span;
	size_t used, count;

	if (!section_parse(s, size, &section, &used))
		return 0;
	if (used > size || section.path_len > SECTION_PATH_MAX ||
		(used < size && s[used] != ']' && s[used] != ' '))
		abort();
	count = structure_parse(message, sizeof message - 1, parts, 10);
	if (section_find(&section, parts, count, &span) &&
		span.offset + span.len > sizeof message - 1)
		abort();
	return 0;
}
