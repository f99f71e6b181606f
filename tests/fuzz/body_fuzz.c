/* Any message in any pieces: the data holds CRLF alone, ends once, and undoing
 * the dots gives the message back as its rules say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/databody.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check_data(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\0' ||
			(s[i] == '\r' && (i + 1 == len || s[i + 1] != '\n')) ||
			(s[i] == '\n' && (i == 0 || s[i - 1] != '\r')))
			abort();
	}
	if (len < 3 || memcmp(s + len - 3, ".\r\n", 3) != 0)
		abort();
	char const *end = memmem(s, len, "\r\n.\r\n", 5);
	if (len == 3 ? end != NULL : end != s + len - 5)
		abort();
	if (len > 3 && memcmp(s, ".\r\n", 3) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct body b = BODY_ZERO;
	size_t len = 0, step;
	char *out;

	if (size == 0)
		return 0;
	step = data[0] % 7u + 1;
	data++;
	size--;
	out = malloc(BODY_MOST(size) + BODY_END_MOST);
	for (size_t at = 0; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;
		char *piece = malloc(n);
		memcpy(piece, data + at, n);
		size_t got = body_push(&b, piece, n, out + len);
		if (got > BODY_MOST(n))
			abort();
		len += got;
		free(piece);
	}
	len += body_end(&b, out + len);
	check_data(out, len);
	free(out);
	return 0;
}
