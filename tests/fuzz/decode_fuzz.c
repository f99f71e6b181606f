/* Any body: in one piece or octet by octet, the same comes out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/decode.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static size_t
decode(enum structure_encoding encoding, char const *s, size_t len, size_t step,
	char *out)
{
	struct decode d;
	size_t n = 0;

	decode_init(&d, encoding);
	for (size_t pos = 0; pos < len; pos += step) {
		size_t const piece = len - pos < step ? len - pos : step;
		char *room = malloc(DECODE_ROOM(piece));
		size_t const got = decode_push(&d, s + pos, piece, room);

		if (got > DECODE_ROOM(piece))
			abort();
		memcpy(out + n, room, got);
		n += got;
		free(room);
	}
	return n + decode_finish(&d, out + n);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static enum structure_encoding const encodings[] = {STRUCTURE_IDENTITY,
		STRUCTURE_BASE64, STRUCTURE_QUOTED_PRINTABLE,
		STRUCTURE_UUENCODE};
	char const *s = (char const *)data;
	char *whole = malloc(DECODE_ROOM(size));
	char *pieces = malloc(DECODE_ROOM(size));

	for (size_t i = 0; i < 4; i++) {
		size_t const n =
			decode(encodings[i], s, size, size ? size : 1, whole);

		if (n > size || decode(encodings[i], s, size, 1, pieces) != n ||
			memcmp(whole, pieces, n) != 0)
			abort();
	}
	free(whole);
	free(pieces);
	return 0;
}
