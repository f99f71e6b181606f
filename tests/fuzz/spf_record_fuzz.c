/* Any octets as an SPF record: the check ends, says what the walk says, and all
 * that is valid can be expanded. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "smtpd/check/spf_macro.h"
#include "smtpd/check/spf_record.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
expand(char const *s, size_t len)
{
	struct spf_macro_values v = {.sender = "a.b-c@d.example",
		.local = "a.b-c",
		.sender_domain = "d.example",
		.domain = "e.f.example",
		.dotted = "192.0.2.1",
		.readable = "192.0.2.1",
		.name = "unknown",
		.helo = "h..example.",
		.receiver = "r.example",
		.now = "1"};
	char out[600];
	long n = spf_macro_expand(s, len, &v, out, sizeof out);

	if (n >= (long)sizeof out || (n >= 0 && out[n] != '\0'))
		abort();
	if (n >= 0 && strlen(spf_macro_shorten(out, (size_t)n)) > (size_t)n)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	struct spf_term t, redirect, exp;
	size_t pos = 0, before;
	int r;
	bool is_well;

	if (spf_macro_valid(s, size, SPF_MACRO_EXPLAIN))
		expand(s, size);
	(void)spf_macro_uses(s, size, 'p');
	if (!spf_record_is(s, size))
		return 0;
	is_well = spf_record_check(s, size, &redirect, &exp);
	do {
		before = pos;
		r = spf_record_next(s, size, &pos, &t);
		if (r > 0 && (pos <= before || pos > size))
			abort();
		if (r > 0 && t.spec_len > 0) {
			if (t.spec < s || t.spec + t.spec_len > s + size)
				abort();
			expand(t.spec, t.spec_len);
		}
		if (r > 0 && (t.prefix4 > 32 || t.prefix6 > 128))
			abort();
	} while (r > 0);
	if (r < 0 && is_well)
		abort();
	return 0;
}
