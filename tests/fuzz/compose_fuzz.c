/* Any text of a local program: CRLF lines come out, no Bcc is left, and every
 * recipient is an address. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/header.h"
#include "queue/compose.h"
#include "queue/textin.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check_lines(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\0')
			abort();
		if (s[i] == '\n' && (i == 0 || s[i - 1] != '\r'))
			abort();
		if (s[i] == '\r' && (i + 1 == len || s[i + 1] != '\n'))
			abort();
	}
}

static void
check_recipients(struct compose const *c)
{
	char const *s = c->to.s;
	struct addr a;
	enum addr_error e;

	for (size_t i = 0; i < c->to_count; i++) {
		size_t n = strlen(s);
		if (!addr_parse(s, n, ADDR_ALLOW_LONG, &a, &e))
			abort();
		s += n + 1;
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct compose c = {.hostname = "host.test", .recipients_max = 20};
	struct header_field f;
	struct textin t;
	size_t len, half;
	char *text;

	if (size == 0)
		return 0;
	textin_init(&t, data[0] & 1);
	char const *s = (char const *)data + 1;
	size--;
	half = size / 2;
	text = malloc(
		TEXTIN_ROOM(half) + TEXTIN_ROOM(size - half) + TEXTIN_ROOM(0));
	if (text == NULL)
		abort();
	len = textin_push(&t, s, half, text);
	len += textin_push(&t, s + half, size - half, text + len);
	len += textin_finish(&t, text + len);
	check_lines(text, len);
	if (compose_header(&c, text, len, data[0] & 2) == COMPOSE_OK) {
		if (c.body > len)
			abort();
		check_lines(c.header.s, c.header.len);
		if (header_find(c.header.s, c.header.len, "Bcc", &f))
			abort();
	}
	check_recipients(&c);
	compose_free(&c);
	free(text);
	return 0;
}
