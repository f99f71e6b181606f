/* Fuzzes mime/uutext.c: in any pieces it finds the same files, in order, and
 * each has the octets that it is said to have. */
#include <stdlib.h>
#include <string.h>

#include "mime/decode.h"
#include "mime/uutext.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
find(struct uutext *u, char const *s, size_t size, size_t step)
{
	for (size_t pos = 0; pos < size; pos += step) {
		size_t const n = size - pos < step ? size - pos : step;

		if (!uutext_push(u, s + pos, n))
			abort();
	}
	if (!uutext_finish(u))
		abort();
}

static void
check(struct uutext const *u, char const *s, size_t size)
{
	uint64_t before = 0;

	for (size_t i = 0; i < uutext_count(u); i++) {
		struct uutext_file const *const f = uutext_get(u, i);
		struct decode d;
		char *out;

		if (f->start < before || f->end <= f->start || f->end > size ||
			f->name > u->names.len ||
			f->name_len > u->names.len - f->name ||
			f->name_len == 0)
			abort();
		before = f->end;
		out = malloc(DECODE_ROOM((size_t)(f->end - f->start)));
		if (!out)
			abort();
		decode_init(&d, STRUCTURE_UUENCODE);
		if (decode_push(&d, s + f->start, (size_t)(f->end - f->start),
			    out) != f->size)
			abort();
		free(out);
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct uutext whole = {0}, pieces = {0};
	size_t const step = size > 0 ? data[0] % 13u + 1 : 1;
	char *const s = malloc(size > 0 ? size : 1);

	if (!s)
		return 0;
	if (size > 0)
		memcpy(s, data, size);
	find(&whole, s, size, size > 0 ? size : 1);
	find(&pieces, s, size, step);
	check(&whole, s, size);
	if (whole.files.len != pieces.files.len ||
		(whole.files.len > 0 && memcmp(whole.files.s, pieces.files.s,
						whole.files.len) != 0))
		abort();
	uutext_free(&whole);
	uutext_free(&pieces);
	free(s);
	return 0;
}
