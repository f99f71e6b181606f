/* common/utf8: characters at each border. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "common/utf8.h"

static void
borders(void **state)
{
	static struct {
		uint32_t code;
		char const *octets; /* NULL: it is no character */
	} const cases[] = {{0x1, "\x01"}, {0x7f, "\x7f"}, {0x80, "\xc2\x80"},
		{0x7ff, "\xdf\xbf"}, {0x800, "\xe0\xa0\x80"},
		{0xd7ff, "\xed\x9f\xbf"}, {0xd800, NULL}, {0xdfff, NULL},
		{0xe000, "\xee\x80\x80"}, {0xffff, "\xef\xbf\xbf"},
		{0x10000, "\xf0\x90\x80\x80"}, {0x10ffff, "\xf4\x8f\xbf\xbf"},
		{0x110000, NULL}, {UINT32_MAX, NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char const *const want = cases[i].octets;
		char out[4];
		size_t const n = utf8_put(out, cases[i].code);

		assert_int_equal(n, want != NULL ? strlen(want) : 0);
		if (want != NULL)
			assert_memory_equal(out, want, n);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {cmocka_unit_test(borders)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
