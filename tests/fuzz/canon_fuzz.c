/* Any octets as a body, in pieces of any size: the pieces do not matter, what
 * is canonical stays as it is, and it ends in one line end. And as a header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/canon.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

struct text {
	char *s;
	size_t len, max;
};

static void
take(void *data, char const *s, size_t len)
{
	struct text *t = data;

	if (len > t->max - t->len)
		abort();
	memcpy(t->s + t->len, s, len);
	t->len += len;
}

static struct text
canonical(char const *s, size_t len, bool is_relaxed, size_t piece)
{
	struct canon_body c;
	struct text t = {.s = malloc(len + 2), .max = len + 2};

	canon_body_init(&c, is_relaxed, take, &t);
	for (size_t at = 0; at < len; at += piece)
		canon_body_push(
			&c, s + at, len - at < piece ? len - at : piece);
	canon_body_finish(&c);
	return t;
}

static void
same(struct text *a, struct text *b)
{
	if (a->len != b->len || memcmp(a->s, b->s, a->len) != 0)
		abort();
	free(b->s);
}

static void
headers(char const *s, size_t len)
{
	struct header_field f;
	size_t pos = 0;

	while (header_next(s, len, &pos, &f) > 0) {
		struct text t = {
			.s = malloc(f.line_len + 2), .max = f.line_len + 2};
		if (f.name_len > 0) {
			canon_field(true, &f, f.line_len / 2, f.line_len, true,
				take, &t);
			t.len = 0;
			canon_field(false, &f, 0, 0, true, take, &t);
		}
		free(t.s);
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	size_t piece;
	char *s;

	if (size < 1)
		return 0;
	piece = (size_t)data[0] % 16 + 1;
	size--;
	s = malloc(size + 1);
	memcpy(s, data + 1, size);
	for (unsigned relaxed = 0; relaxed < 2; relaxed++) {
		struct text whole = canonical(s, size, relaxed, size + 1);
		struct text pieces = canonical(s, size, relaxed, piece);
		same(&whole, &pieces);
		struct text again =
			canonical(whole.s, whole.len, relaxed, piece);
		same(&whole, &again);
		if (whole.len > 0 &&
			(whole.len < 2 || memcmp(whole.s + whole.len - 2,
						  "\r\n", 2) != 0))
			abort();
		free(whole.s);
	}
	headers(s, size);
	free(s);
	return 0;
}
