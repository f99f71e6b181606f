/* common/monitor/bearer.h: messages of OAUTHBEARER. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/monitor/bearer.h"

#define S(text) text, sizeof(text) - 1

static struct {
	char const *s;
	size_t len;
	char const *user, *token; /* token: NULL: malformed */
} const cases[] = {
	{S("n,,\1auth=Bearer abc\1\1"), "", "abc"},
	{S("y,a=a@b.example,\1host=h\1port=1\1auth=Bearer a-._~+/9==\1\1"),
		"a@b.example", "a-._~+/9=="},
	{S("n,a=a=2Cb=3D,\1Auth=BEARER   x\1\1"), "a,b=", "x"},
	{S("n,,\1auth=Bearer x\1host=\1\1"), "", "x"},
	{S(""), "", NULL},
	{S("\1"), "", NULL},
	{S("n"), "", NULL},
	{S("n,"), "", NULL},
	{S("n,,"), "", NULL},
	{S("n,,\1"), "", NULL},
	{S("n,,\1\1"), "", NULL},
	{S("p=x,,\1auth=Bearer x\1\1"), "", NULL},
	{S("N,,\1auth=Bearer x\1\1"), "", NULL},
	{S("n,b=c,\1auth=Bearer x\1\1"), "", NULL},
	{S("n,a=,\1auth=Bearer x\1\1"), "", NULL},
	{S("n,a=b=2D,\1auth=Bearer x\1\1"), "", NULL},
	{S("n,a=\303\244,\1auth=Bearer x\1\1"), "", NULL},
	{S("n,,auth=Bearer x\1\1"), "", NULL},
	{S("n,,\1auth=Bearer \1\1"), "", NULL},
	{S("n,,\1auth=Bearer\1\1"), "", NULL},
	{S("n,,\1auth=Basic abc\1\1"), "", NULL},
	{S("n,,\1auth=Bearer a b\1\1"), "", NULL},
	{S("n,,\1auth=Bearer =\1\1"), "", NULL},
	{S("n,,\1auth=Bearer a=b\1\1"), "", NULL},
	{S("n,,\1auth=Bearer a\0b\1\1"), "", NULL},
	{S("n,,\1auth=Bearer a\1auth=Bearer a\1\1"), "", NULL},
	{S("n,,\1auth=Bearer a\1"), "", NULL},
	{S("n,,\1auth=Bearer a"), "", NULL},
	{S("n,,\1auth=Bearer a\1\1\1"), "", NULL},
	{S("n,,\1auth=Bearer a\1\1x"), "", NULL},
	{S("n,,\1x\1auth=Bearer a\1\1"), "", NULL},
	{S("n,,\1=x\1auth=Bearer a\1\1"), "", NULL},
	{S("n,,\1h st=x\1auth=Bearer a\1\1"), "", NULL},
	{S("n,,\1host=\0\1auth=Bearer a\1\1"), "", NULL},
};

static void
messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *s = malloc(cases[i].len > 0 ? cases[i].len : 1);
		struct bearer b;
		bool ok;

		print_message("%zu: %s\n", i, cases[i].s);
		assert_non_null(s);
		memcpy(s, cases[i].s, cases[i].len);
		ok = bearer_parse(s, cases[i].len, &b);
		assert_int_equal(ok, cases[i].token != NULL);
		if (ok) {
			assert_int_equal(b.user_len, strlen(cases[i].user));
			assert_memory_equal(b.user, cases[i].user, b.user_len);
			assert_int_equal(b.token_len, strlen(cases[i].token));
			assert_memory_equal(
				b.token, cases[i].token, b.token_len);
		}
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {cmocka_unit_test(messages)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
