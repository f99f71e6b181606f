/* Lines that name a program; what exit codes mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "local/programline.h"

static void
lines(void **state)
{
	static struct {
		char const *line, *folder, *wanted; /* words with | between */
	} const cases[] = {
		{"a", "/p", "/p/a|"},
		{"a b  c ", "/p", "/p/a|b|c|"},
		{"/p/a/b x", "/p", "/p/a/b|x|"},
		{"/p/a", "/p//", "/p/a|"},
		{"/usr/bin/x", "/", "/usr/bin/x|"},
		{"usr/bin/x", "/", "/usr/bin/x|"},
		{"\"a b\" \"c\\\"d\" e\"f g\"h", "/p", "/p/a b|c\"d|ef gh|"},
		{"a \"\"", "/p", "/p/a||"},
		{"a $(b) ; c > d", "/p", "/p/a|$(b)|;|c|>|d|"},
		{"", "/p", NULL},
		{"  ", "/p", NULL},
		{"\"\"", "/p", NULL},
		{"a \"b", "/p", NULL},
		{"/q/a", "/p", NULL},
		{"/pa", "/p", NULL},
		{"/p", "/p", NULL},
		{"/p/", "/p", NULL},
		{"../a", "/p", NULL},
		{"/p/../a", "/p", NULL},
		{"b/../../a", "/p", NULL},
		{"b/..", "/p", NULL},
		{"./a", "/p", NULL},
		{"b//a", "/p", NULL},
		{"a/", "/p", NULL},
		{"\"../a\"", "/p", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t const len = strlen(cases[i].line);
		char *const s = malloc(len > 0 ? len : 1);
		static struct programline line;
		char got[200] = "";

		assert_non_null(s);
		memcpy(s, cases[i].line, len);
		if (!programline_parse(s, len, cases[i].folder, &line)) {
			if (cases[i].wanted != NULL)
				fail_msg("refused: %s", cases[i].line);
		} else {
			for (size_t k = 0; line.argv[k] != NULL; k++) {
				strcat(got, line.argv[k]);
				strcat(got, "|");
			}
			if (cases[i].wanted == NULL)
				fail_msg("taken: %s", cases[i].line);
			assert_string_equal(got, cases[i].wanted);
		}
		free(s);
	}
}

static void
too_many_words(void **state)
{
	static struct programline line;
	char s[2 * PROGRAMLINE_WORDS_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof s; i++)
		s[i] = i % 2 ? ' ' : 'x';
	assert_true(
		programline_parse(s, 2 * PROGRAMLINE_WORDS_MAX, "/p", &line));
	assert_false(programline_parse(
		s, 2 * PROGRAMLINE_WORDS_MAX + 1, "/p", &line));
}

static void
codes(void **state)
{
	(void)state;
	for (int code = -1; code < 256; code++) {
		struct programline_end const e = programline_end(code);
		enum job_status wanted = JOB_RETRY;

		if (code == 0 || code == 99)
			wanted = JOB_DONE;
		else if (code == 100 ||
			 (code >= 64 && code <= 78 && code != 71 &&
				 code != 74 && code != 75))
			wanted = JOB_FAILED;
		assert_int_equal(e.status, wanted);
		assert_int_equal(e.stops, code == 99);
		assert_int_equal(e.code[0], wanted == JOB_DONE	   ? '2'
					    : wanted == JOB_FAILED ? '5'
								   : '4');
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(too_many_words),
		cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
