/* xtext.c: what is xtext, and what it stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/xtext.h"

static struct {
	char const *text, *want;
	bool valid;
} const cases[] = {
	{"plain", "plain", true},
	{"", "", true},
	{"a+2Bb", "a+b", true},
	{"+3D+20", "= ", true},
	{"a+b", "a+b", false},
	{"a+2b", "a+2b", false},
	{"a+2", "a+2", false},
	{"a=b", "a=b", false},
	{"a b", "a b", false},
	{"\xc3\xa4", "\xc3\xa4", false},
};

static void
forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);
		char *copy = malloc(len > 0 ? len : 1);
		char *out = malloc(len > 0 ? len : 1);
		memcpy(copy, cases[i].text, len);
		assert_int_equal(xtext_valid(copy, len), cases[i].valid);
		size_t n = xtext_decode(copy, len, out);
		assert_int_equal(n, strlen(cases[i].want));
		assert_memory_equal(out, cases[i].want, n);
		free(copy);
		free(out);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {cmocka_unit_test(forms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
