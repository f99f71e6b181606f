/*
 * A message as POP3 sends it: however it is cut into pieces, the same octets;
 * every line ends in CRLF; the count without stuffing is the sum of what is
 * sent without the added dots; no line is a lone dot.
 */
#include <stdlib.h>
#include <string.h>
#include "pop3d/lines.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

struct sink {
	size_t len;
	char *s;
};

static void
put(void *data, char const *s, size_t len)
{
	struct sink *sink = data;

	memcpy(sink->s + sink->len, s, len);
	sink->len += len;
}

static struct sink
run(char const *s, size_t size, size_t step, bool stuff, int top)
{
	/* The worst: each octet a line that is a dot. */
	struct sink sink = {.s = malloc(size * 3 + 2)};
	struct pop3_lines l;

	if (sink.s == NULL)
		abort();
	pop3_lines_start(&l, put, &sink, stuff);
	l.limited = top >= 0;
	l.body_left = top >= 0 ? (uint32_t)top : 0;
	for (size_t at = 0; at < size; at += step) {
		size_t n = step < size - at ? step : size - at;
		if (!pop3_lines_push(&l, s + at, n))
			break;
	}
	pop3_lines_end(&l);
	return sink;
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char const *s = (char const *)data + 2;
	struct sink a, b, plain;
	size_t dots = 0;
	int top;

	if (size < 2)
		return 0;
	size -= 2;
	top = data[1] < 128 ? data[1] % 8 : -1;
	a = run(s, size, size + 1, true, top);
	b = run(s, size, data[0] + 1u, true, top);
	plain = run(s, size, size + 1, false, top);
	if (a.len != b.len || memcmp(a.s, b.s, a.len) != 0)
		abort();
	if (a.len > 0 && (a.len < 2 || memcmp(a.s + a.len - 2, "\r\n", 2) != 0))
		abort();
	for (size_t i = 0; i < a.len; i++)
		if (a.s[i] == '.' && (i == 0 || a.s[i - 1] == '\n')) {
			dots++;
			if (i + 1 == a.len || a.s[i + 1] != '.')
				abort();
		}
	if (plain.len + dots != a.len)
		abort();
	free(a.s);
	free(b.s);
	free(plain.s);
	return 0;
}
