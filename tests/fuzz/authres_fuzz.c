/* Any octets as an Authentication-Results value: results lie inside. And as
 * texts that are written into one: it reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/authres.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
inside(char const *s, size_t len, struct authres_text const *t)
{
	if (t->len > 0 && (t->s < s || t->s + t->len > s + len))
		abort();
}

/* Read all; returns the number of results, or -1. */
static int
read_all(char const *s, size_t len)
{
	struct authres_reader r;
	struct authres_result result;
	struct authres_text id, value;
	int n = 0, code;

	if (!authres_start(&r, s, len, &id))
		return -1;
	inside(s, len, &id);
	while ((code = authres_next(&r, &result)) > 0) {
		inside(s, len, &result.method);
		inside(s, len, &result.result);
		inside(s, len, &result.reason);
		if (authres_property(&r, &result, "header", "d", &value))
			inside(s, len, &value);
		n++;
	}
	return code < 0 ? -1 : n;
}

static void
write_back(char const *s, size_t size)
{
	struct authres_writer w;
	char out[700], *text = malloc(size + 1);
	size_t len;

	memcpy(text, s, size);
	text[size] = '\0';
	authres_begin(&w, out, sizeof out, "mx.example.org");
	authres_add(&w, "dkim", "fail");
	authres_add_reason(&w, text);
	authres_add_comment(&w, text);
	authres_add_property(&w, "header.d", text);
	authres_add(&w, "spf", "pass");
	len = authres_end(&w);
	if (len >= sizeof out || out[len] != '\0' ||
		!authres_claims(out, len, "MX.example.org"))
		abort();
	int n = read_all(out, len);
	if (n < 1 || n > 2)
		abort();
	for (size_t i = 0; i < len; i++)
		if (out[i] == '\n' && (i + 1 == len || out[i + 1] != '\t'))
			abort();
	free(text);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;

	(void)read_all(s, size);
	(void)authres_claims(s, size, "mx.example.org");
	write_back(s, size);
	return 0;
}
