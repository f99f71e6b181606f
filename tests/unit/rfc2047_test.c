/* mime/rfc2047: RFC 2047's examples, and what real mail does. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mime/rfc2047.h"
#include "tests/unit/exact.h"

static struct {
	char const *name, *in, *out;
} const cases[] = {
	{"plain", "a =b? c", "a =b? c"},
	{"Q", "=?ISO-8859-1?Q?Keld_J=F8rn?= x", "Keld J\xc3\xb8rn x"},
	{"B", "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=",
		"If you can read this yo"},
	{"RFC 2047, 8: (a)", "(=?ISO-8859-1?Q?a?=)", "(a)"},
	{"RFC 2047, 8: (a b)", "(=?ISO-8859-1?Q?a?= b)", "(a b)"},
	{"RFC 2047, 8: (ab)", "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)",
		"(ab)"},
	{"RFC 2047, 8: (ab), blanks",
		"(=?ISO-8859-1?Q?a?=  \t=?ISO-8859-1?Q?b?=)", "(ab)"},
	{"RFC 2047, 8: (a b), coded", "(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
	{"RFC 2047, 8: (a b), two words",
		"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
	{"language", "=?us-ascii*en?q?x?=", "x"},
	{"character over two words",
		"=?utf-8?B?w6TD?= =?utf-8?B?tg==?= =?UTF-8?b?w7w=?=",
		"\xc3\xa4\xc3\xb6\xc3\xbc"},
	{"half a character", "=?utf-8?Q?=C3?= x", "\xef\xbf\xbd x"},
	{"without blanks around", "a=?utf-8?q?b?=c", "abc"},
	{"two without a blank", "=?utf-8?q?a?==?utf-8?q?b?=", "ab"},
	{"set not known", "=?x-none?Q?a=C3=A4?=", "a\xc3\xa4"},
	{"encoding not known", "=?utf-8?X?a?=", "=?utf-8?X?a?="},
	{"blank inside", "=?utf-8?Q?a b?=", "=?utf-8?Q?a b?="},
	{"no end", "=?utf-8?Q?a", "=?utf-8?Q?a"},
	{"no set", "=??Q?a?=", "=??Q?a?="},
	{"empty", "=?utf-8?Q?" "?=", ""},
	{"nested look", "=?=?utf-8?q?a?=", "=?a"},
	{"bad Q sequence", "=?utf-8?Q?a=Zb=4?=", "a=Zb=4"},
	{"stateful set", "=?ISO-2022-JP?B?GyRCJCIbKEI=?=", "\xe3\x81\x82"},
	{"utf-8 outside", "\xc3\xa4", "\xc3\xa4"},
	{"other octets outside", "\xe4 x", "\xef\xbf\xbd x"},
};

static void
decodes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].in);
		char *s = exact(cases[i].in, len);
		stralloc out = STRALLOC_ZERO;

		print_message("%s\n", cases[i].name);
		assert_true(rfc2047_decode(&out, s, len));
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, cases[i].out);
		stralloc_free(&out);
		free(s);
	}
}

static void
words_longer_than_a_piece(void **state)
{
	static char const head[] = "=?utf-8?Q?";
	stralloc in = STRALLOC_ZERO, out = STRALLOC_ZERO;

	(void)state;
	assert_true(stralloc_copyb(&in, head, sizeof head - 1));
	for (int i = 0; i < 1000; i++)
		assert_true(stralloc_cats(&in, "=C3=A4a"));
	assert_true(stralloc_cats(&in, "?="));
	assert_true(rfc2047_decode(&out, in.s, in.len));
	assert_int_equal(out.len, 3000);
	for (size_t i = 0; i < 3000; i += 3)
		assert_memory_equal(out.s + i,
			"\xc3\xa4"
			"a",
			3);
	stralloc_free(&in);
	stralloc_free(&out);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(decodes),
		cmocka_unit_test(words_longer_than_a_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
