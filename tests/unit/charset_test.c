/* mime/charset, mime/terminal: each set, broken octets, harmless output. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mime/charset.h"
#include "mime/terminal.h"
#include "tests/unit/exact.h"

#define FFFD "\xef\xbf\xbd"
#define HIRAGANA_A "\xe3\x81\x82"

static struct {
	char const *name, *in, *out;
} const cases[] = {
	{"utf-8", "a\xc3\xa4\xf0\x9f\x98\x80", "a\xc3\xa4\xf0\x9f\x98\x80"},
	{"utf-8", "\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xff",
		FFFD FFFD " " FFFD FFFD FFFD " " FFFD FFFD FFFD FFFD " " FFFD},
	{"utf-8", "\xe2\x82x \xf0\x9f", FFFD "x " FFFD},
	{"us-ascii", "a\xc3\xa4", "a\xc3\xa4"},
	{"no-such-set", "a\xe4", "a" FFFD},
	{"", "a\xc3\xa4", "a\xc3\xa4"},
	{"ISO-8859-1", "\xe4\x80", "\xc3\xa4\xe2\x82\xac"},
	{"latin1", "\xe4", "\xc3\xa4"},
	{"ISO_8859-2", "\xb1", "\xc4\x85"},
	{"iso-8859-15", "\xa4", "\xe2\x82\xac"},
	{"Windows-1251", "\xcf\xf0", "\xd0\x9f\xd1\x80"},
	{"windows-1252", "\x93\x81", "\xe2\x80\x9c" FFFD},
	{"KOI8-R", "\xf0", "\xd0\x9f"},
	{"cp437", "\x84", "\xc3\xa4"},
	{"gb2312", "\xb0\xa1", "\xe5\x95\x8a"},
	{"gb18030", "\x81\x30\x81\x30\x94\x39\xda\x33",
		"\xc2\x80\xf0\x9f\x92\xa9"},
	{"gbk", "\xb0<b>", FFFD "<b>"},
	{"big5", "\xa4\xa4", "\xe4\xb8\xad"},
	{"euc-kr", "\xb0\xa1", "\xea\xb0\x80"},
	{"ks_c_5601-1987", "\xb0\xa1", "\xea\xb0\x80"},
	{"euc-jp", "\xa4\xa2\x8e\xb1\x8f\xb0\xa1",
		HIRAGANA_A "\xef\xbd\xb1\xe4\xb8\x82"},
	{"Shift_JIS", "\x82\xa0\xb1", HIRAGANA_A "\xef\xbd\xb1"},
	{"iso-2022-jp", "x\x1b$B$\"\x1b(By", "x" HIRAGANA_A "y"},
	{"iso-2022-jp", "\x1b$B$\"\nab", HIRAGANA_A "\nab"},
	{"iso-2022-jp", "\x1b?x", FFFD "?x"},
	{"iso-2022-kr", "\x1b$)C\x0e\x30\x21\x0fx", "\xea\xb0\x80x"},
	{"hz-gb-2312", "a~{0!~}b~~~\nc",
		"a\xe5\x95\x8a"
		"b~c"},
	{"utf-7", "a+AOQ-b+-c+2D3eAA-",
		"a\xc3\xa4"
		"b+c\xf0\x9f\x98\x80"},
};

static void
sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].in);
		char *s = exact(cases[i].in, len);

		print_message("%s: %s\n", cases[i].name, cases[i].out);
		for (size_t step = 1; step <= len; step++) {
			stralloc out = STRALLOC_ZERO;
			struct charset_decoder d;

			charset_init(&d, cases[i].name, strlen(cases[i].name));
			for (size_t at = 0; at < len; at += step)
				assert_true(charset_push(&d, s + at,
					len - at < step ? len - at : step,
					&out));
			assert_true(charset_finish(&d, &out));
			assert_true(stralloc_0(&out));
			assert_string_equal(out.s, cases[i].out);
			stralloc_free(&out);
		}
		free(s);
	}
}

static void
wide_sets(void **state)
{
	static struct {
		char const *name, *in;
		size_t len;
		char const *out;
	} const wide[] = {
		{"utf-16", "\0a\0\xe4", 4, "a\xc3\xa4"},
		{"utf-16",
			"\xff\xfe"
			"a\0",
			4, "a"},
		{"utf-16", "\xfe\xff\xd8\x3d\xde\x00", 6, "\xf0\x9f\x98\x80"},
		{"utf-16le", "a\0\x3d\xd8x\0", 6, "a" FFFD "x"},
		{"utf-16be", "\0a\0", 3, "a" FFFD},
		{"utf-32", "\0\0\0a", 4, "a"},
		{"utf-32le", "\x00\xf6\x01\0\xff\xff\xff\xff", 8,
			"\xf0\x9f\x98\x80" FFFD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
		char *s = exact(wide[i].in, wide[i].len);
		stralloc out = STRALLOC_ZERO;

		print_message("%s\n", wide[i].name);
		assert_true(charset_to_utf8(wide[i].name, strlen(wide[i].name),
			s, wide[i].len, &out));
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, wide[i].out);
		stralloc_free(&out);
		free(s);
	}
}

static void
names(void **state)
{
	static char const *const known[] = {"UTF-8", "utf8", "ISO8859-1",
		"iso_8859-1", "x-sjis", "GB2312", "WINDOWS-1252", "cp1252"};
	static char const *const unknown[] = {"", "-", "x", "iso-8859-", "utf",
		"8859", "utf-8 gbk",
		"a-name-that-is-longer-than-any-name-known"};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		assert_true(charset_known(known[i], strlen(known[i])));
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		assert_false(charset_known(unknown[i], strlen(unknown[i])));
}

static void
harmless(void **state)
{
	static struct {
		char const *in, *text, *line;
	} const shown[] = {
		{"a\tb\r\nc\n", "a\tb\nc\n", "a b c "},
		{"\x1b[31mred", "^[[31mred", "^[[31mred"},
		{"a\rb", "a^Mb", "a^Mb"},
		{"\x07\x7f\x01", "^G^?^A", "^G^?^A"},
		{"\xc2\x9b"
		 "31m \xc2\xa0",
			FFFD "31m \xc2\xa0", FFFD "31m \xc2\xa0"},
		{"\xe2\x80\xae"
		 "cod.exe",
			FFFD "cod.exe", FFFD "cod.exe"},
		{"\xe2\x81\xa6\xe2\x80\x9c", FFFD "\xe2\x80\x9c",
			FFFD "\xe2\x80\x9c"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
		struct terminal t = {0};
		stralloc out = STRALLOC_ZERO;
		char *s = exact(shown[i].in, strlen(shown[i].in));

		assert_true(terminal_push(&t, s, strlen(shown[i].in), &out));
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, shown[i].text);
		out.len = 0;
		assert_true(terminal_line(&out, s, strlen(shown[i].in)));
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, shown[i].line);
		stralloc_free(&out);
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(sets),
		cmocka_unit_test(wide_sets),
		cmocka_unit_test(names),
		cmocka_unit_test(harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
