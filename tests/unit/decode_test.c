/* mime/decode: base64 and quoted-printable, whole and in pieces. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mime/decode.h"
#include "tests/unit/exact.h"

#define B STRUCTURE_BASE64
#define Q STRUCTURE_QUOTED_PRINTABLE
#define U STRUCTURE_UUENCODE

static struct {
	char const *name;
	enum structure_encoding encoding;
	char const *in, *out;
} const cases[] = {
	{"identity", STRUCTURE_IDENTITY, "a=41\r\n", "a=41\r\n"},
	{"unknown passes", STRUCTURE_UNKNOWN_ENCODING, "a=41", "a=41"},
	{"base64", B, "YWJj", "abc"},
	{"base64, padding", B, "YWJjZA==", "abcd"},
	{"base64, lines", B, "YW\r\nJj\n", "abc"},
	{"base64, junk is skipped", B, "Y!W-J j", "abc"},
	{"base64, padding in the middle", B, "YQ==YmM=ZA==", "abcd"},
	{"base64, end is missing", B, "YWJjZ", "abc"},
	{"base64, no padding: no quantum", B, "YWJjYWI", "abc"},
	{"base64, half a quantum, then padding", B, "YWI=", "ab"},
	{"base64, junk inside a quantum", B, "Y\nW\rJ jYWJj", "abcabc"},
	{"uuencode", U, "x\nbegin 644 a b\r\n#86)C\r\n!80``\r\n`\nend\n#86)C\n",
		"abca"},
	{"uuencode, two files", U,
		"begin 644 a\n#86)C\nend\nbegin 600 b\n!80``", "abca"},
	{"uuencode, a line that is cut", U, "begin 644 a\nM86)C86\n#86)C\n",
		"abcabc"},
	{"uuencode, what only looks so", U, "beginning\n#86)C\n", ""},
	{"base64, nothing", B, "", ""},
	{"base64, padding only", B, "====", ""},
	{"quoted", Q, "a=3Db=3d", "a=b="},
	{"quoted, soft line end", Q, "a=\nb=\r\nc", "abc"},
	{"quoted, blanks behind the soft one", Q, "a= \t\r\nb", "ab"},
	{"quoted, hard line ends stay", Q, "a\r\nb\n", "a\r\nb\n"},
	{"quoted, blanks at the end go", Q, "a \t\nb  \r\n", "a\nb\r\n"},
	{"quoted, blanks inside stay", Q, "a \t b", "a \t b"},
	{"quoted, coded blank stays", Q, "a=20\n", "a \n"},
	{"quoted, bad sequence stays", Q, "a=XYb=4", "a=XYb=4"},
	{"quoted, two signs", Q, "==41", "=A"},
	{"quoted, half a sequence", Q, "=4\n=4Z", "=4\n=4Z"},
	{"quoted, sign at the end", Q, "a=", "a"},
	{"quoted, sign and blank inside", Q, "a= b", "a= b"},
};

static void
decodes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].in);
		char *s = exact(cases[i].in, len);

		print_message("%s\n", cases[i].name);
		for (size_t step = 1; step <= len + 1; step++) {
			char *out = malloc(DECODE_ROOM(len));
			size_t n = 0;
			struct decode d;

			decode_init(&d, cases[i].encoding);
			for (size_t at = 0; at < len; at += step)
				n += decode_push(&d, s + at,
					len - at < step ? len - at : step,
					out + n);
			n += decode_finish(&d, out + n);
			assert_int_equal(n, strlen(cases[i].out));
			assert_memory_equal(out, cases[i].out, n);
			free(out);
		}
		free(s);
	}
}

static void
a_long_run_of_blanks_fits(void **state)
{
	size_t const len = 10 * DECODE_HELD_MAX;
	char *s = malloc(len), *out = malloc(DECODE_ROOM(len));
	struct decode d;

	(void)state;
	memset(s, ' ', len);
	s[0] = '=';
	decode_init(&d, Q);
	assert_true(decode_push(&d, s, len, out) <= len);
	free(s);
	free(out);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(decodes),
		cmocka_unit_test(a_long_run_of_blanks_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
