/* mime/header: fields, folds, broken lines, limits. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "mime/header.h"
#include "tests/unit/exact.h"

/* Fields as "name=value|", a value unfolded; at the end the body's offset. */
static struct {
	char const *name, *header, *wanted;
} const cases[] = {
	{"nothing", "", "0"},
	{"empty line only", "\n", "1"},
	{"empty line only, crlf", "\r\nx", "2"},
	{"one field", "A: b\n\nbody", "A=b|6"},
	{"crlf", "A: b\r\nC: d\r\n\r\nbody", "A=b|C=d|14"},
	{"mixed line ends", "A: b\nC: d\r\n\nbody", "A=b|C=d|12"},
	{"no empty line", "A: b\nC: d", "A=b|C=d|9"},
	{"fold", "A: b\n c\n\td\nE: f\n\n", "A=b c\td|E=f|17"},
	{"fold, crlf", "A: b\r\n c\r\n\r\n", "A=b c|12"},
	{"fold of blanks only", "A: b\n \n\n", "A=b |8"},
	{"value starts on the second line", "A:\n b\n\n", "A=b|7"},
	{"blanks before the colon", "A \t: b\n\n", "A=b|8"},
	{"empty value", "A:\n\n", "A=|4"},
	{"colon in the value", "A: b:c\n\n", "A=b:c|8"},
	{"mbox line", "From a@b Thu 12:00:00\nA: b\n\n",
		"=From a@b Thu 12:00:00|A=b|28"},
	{"line without a colon", "junk\nA: b\n\n", "=junk|A=b|11"},
	{"no name", ": x\n\n", "=: x|5"},
	{"starts with a fold", " x: y\nA: b\n\n", "=x: y|A=b|12"},
	{"bare CR is no line end", "A: b\rC: d\n\n", "A=b\rC: d|11"},
	{"CR at the end", "A: b\r", "A=b\r|5"},
	{"8-bit name is none", "\xc3\xa4: b\n\n", "=\xc3\xa4: b|7"},
};

static void
fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].header);
		char *s = exact(cases[i].header, len);
		char got[200], value[100];
		size_t n = 0, pos = 0;
		struct header_field f;

		print_message("%s\n", cases[i].name);
		while (header_next(s, len, &pos, &f) > 0) {
			size_t const k =
				header_unfold(f.value, f.value_len, value);

			n += (size_t)sprintf(got + n, "%.*s=%.*s|",
				(int)f.name_len, f.name, (int)k, value);
		}
		sprintf(got + n, "%zu", pos);
		assert_string_equal(got, cases[i].wanted);
		assert_int_equal(header_end(s, len, HEADER_MAX), pos);
		free(s);
	}
}

static void
a_nul_is_an_octet_like_others(void **state)
{
	static char const header[] = "A: b\0c\nD: e\n\n";
	char *s = exact(header, sizeof header - 1);
	struct header_field f;

	(void)state;
	assert_true(header_find(s, sizeof header - 1, "a", &f));
	assert_int_equal(f.value_len, 4);
	assert_true(header_find(s, sizeof header - 1, "d", &f));
	free(s);
}

static void
finding_minds_no_case_but_the_whole_name(void **state)
{
	static char const header[] = "Subjects: a\nsUBJECT: b\nSubject: c\n\n";
	char *s = exact(header, sizeof header - 1);
	struct header_field f;

	(void)state;
	assert_true(header_find(s, sizeof header - 1, "Subject", &f));
	assert_memory_equal(f.value, " b", 2);
	assert_false(header_find(s, sizeof header - 1, "Subjec", &f));
	assert_false(header_find(s, sizeof header - 1, "", &f));
	free(s);
}

static void
a_header_ends_before_the_line_that_crosses_the_limit(void **state)
{
	size_t const len = HEADER_MAX + 100;
	char *s = malloc(len);
	struct header_field f;
	size_t pos = 0, count = 0;

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < len; i++)
		s[i] = "A: bcdefgh\n"[i % 11];
	while (header_next(s, len, &pos, &f) > 0)
		count++;
	assert_int_equal(count, HEADER_MAX / 11);
	assert_int_equal(pos, HEADER_MAX / 11 * 11);
	assert_int_equal(header_end(s, len, HEADER_MAX), pos);
	/* One line over all of it: no header at all. */
	for (size_t i = 0; i < len; i++)
		if (s[i] == '\n')
			s[i] = 'x';
	pos = 0;
	assert_int_equal(header_next(s, len, &pos, &f), 0);
	assert_int_equal(pos, 0);
	free(s);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(a_nul_is_an_octet_like_others),
		cmocka_unit_test(finding_minds_no_case_but_the_whole_name),
		cmocka_unit_test(
			a_header_ends_before_the_line_that_crosses_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
