/* smtpd/load: what is read of queue/load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "smtpd/load.h"

static struct {
	char const *text;
	bool ok, is_full;
	int wait_ms;
} const cases[] = {
	{"kereru-load 1\nroom plenty\nfree 5\nwaiting 9\nbehind 0000000000\n",
		true, false, 0},
	{"kereru-load 1\nroom plenty\nbehind 2000\n", true, false, 0},
	{"kereru-load 1\nroom plenty\nbehind 0000003000\n", true, false, 100},
	{"kereru-load 1\nroom plenty\nbehind 4000000000\n", true, false, 2000},
	{"kereru-load 1\nroom scarce\nbehind 0", true, false, 250},
	{"kereru-load 1\nroom none  \nbehind 0\n", true, true, 0},
	{"kereru-load 2\nroom none\nbehind 0\n", false, false, 0},
	{"room none\n", false, false, 0},
	{"kereru-load 1\n", false, false, 0},
	{"", false, false, 0},
	{"\n\n \n", false, false, 0},
	{"kereru-load 1\nroom none\nbehind x\n", false, true, 0},
	{"kereru-load 1\nroom none\nbehind", false, true, 0},
};

static void
what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);
		char *s = malloc(len > 0 ? len : 1);
		struct smtp_load load;

		assert_non_null(s);
		memcpy(s, cases[i].text, len);
		assert_int_equal(smtp_load_parse(s, len, &load), cases[i].ok);
		assert_int_equal(load.is_full, cases[i].is_full);
		assert_int_equal(smtp_load_wait_ms(&load), cases[i].wait_ms);
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {cmocka_unit_test(what_it_says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
