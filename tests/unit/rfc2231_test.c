/* mime/rfc2045 and mime/rfc2231: types, parameters, continuations. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "mime/rfc2045.h"
#include "mime/rfc2231.h"
#include "tests/unit/exact.h"

/* "type/subtype" and then each parameter as " name=value". */
static struct {
	char const *name, *in, *out;
} const values[] = {
	{"plain", "text/plain", "text/plain"},
	{"parameters", " text/plain; charset=utf-8;format=flowed",
		"text/plain charset=utf-8 format=flowed"},
	{"quoted", "a/b; c=\"d; \\\"e\\\"\"", "a/b c=d; \"e\""},
	{"comments", "(x) a (y) / (z) b (q);(r) c (s) = (t) d (u)", "a/b c=d"},
	{"folds", "a/b;\r\n\tc=d;\n e=\"f\r\n g\"", "a/b c=d e=f g"},
	{"empty parameters", "a/b;; ;c=d;", "a/b c=d"},
	{"no value", "a/b; c; d=e", "a/b d=e"},
	{"empty value", "a/b; c=; d=e", "a/b c= d=e"},
	{"specials unquoted", "a/b; c=/tmp/x(1)=y", "a/b c=/tmp/x(1)=y"},
	{"quote without end", "a/b; c=\"d; e", "a/b c=d; e"},
	{"no semicolon", "a/b c=d", "a/b c=d"},
	{"junk between", "a/b; c=\"d\"x; e=f", "a/b c=d e=f"},
	{"no subtype", "text", ""},
	{"no type", "/plain", ""},
	{"nothing", "", ""},
	{"comment without end", "a/b (c; d=e", "a/b"},
};

static void
raw_parameters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		size_t const len = strlen(values[i].in);
		char *s = exact(values[i].in, len);
		size_t t, tn, st, stn, pos, n = 0;
		char got[200] = "", value[100];
		struct rfc2045_param p;

		print_message("%s\n", values[i].name);
		if (rfc2045_type(s, len, &t, &tn, &st, &stn, &pos)) {
			n = (size_t)sprintf(got, "%.*s/%.*s", (int)tn, s + t,
				(int)stn, s + st);
			while (rfc2045_param(s, len, &pos, &p) > 0) {
				int const k = (int)rfc2045_value(&p, value);

				n += (size_t)sprintf(got + n, " %.*s=%.*s",
					(int)p.name_len, p.name, k, value);
			}
		}
		assert_string_equal(got, values[i].out);
		free(s);
	}
}

/* The parameter "name"; NULL: not there. */
static struct {
	char const *name, *in, *out;
} const cases[] = {
	{"plain", "; name=x", "x"},
	{"without case", "; NaMe=x", "x"},
	{"not there", "; names=x; nam=y", NULL},
	{"RFC 2231, 3", ";\r\n name*0=\"ftp://\";\r\n name*1=\"cs.utk.edu\"",
		"ftp://cs.utk.edu"},
	{"RFC 2231, 4", "; name*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A",
		"This is ***fun*"},
	{"RFC 2231, 4.1",
		"; name*0*=us-ascii'en'This%20is%20even%20more%20"
		"; name*1*=%2A%2A%2Afun%2A%2A%2A%20; name*2=\"isn't it!\"",
		"This is even more ***fun*** isn't it!"},
	{"out of order", "; name*1=b; name*2=c; name*0=a", "abc"},
	{"gap", "; name*0=a; name*2=c", "a"},
	{"no first section", "; name*1=b", NULL},
	{"set", "; name*=ISO-8859-1''%E4", "\xc3\xa4"},
	{"character over two sections", "; name*0*=utf-8''%C3; name*1*=%A4",
		"\xc3\xa4"},
	{"extended is better", "; name=a; name*=utf-8''b", "b"},
	{"extended is better, first", "; name*=utf-8''b; name=a", "b"},
	{"sections are better", "; name=a; name*0=b", "b"},
	{"encoded word", "; name=\"=?utf-8?Q?=C3=A4?=\"", "\xc3\xa4"},
	{"no set given", "; name*=%41b", "Ab"},
	{"bad percent", "; name*=utf-8''%4%ZZ%", "%4%ZZ%"},
	{"section number too large", "; name*0=a; name*100=b", "a"},
	{"section number is none", "; name*x=a", NULL},
	{"8-bit", "; name=\"\xc3\xa4\"", "\xc3\xa4"},
	{"empty", "; name=\"\"", ""},
};

static void
decoded_parameters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].in);
		char *s = exact(cases[i].in, len);
		stralloc out = STRALLOC_ZERO;
		int const found = rfc2231_find(s, len, 0, "name", &out);

		print_message("%s\n", cases[i].name);
		assert_int_equal(found, cases[i].out ? 1 : 0);
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, cases[i].out ? cases[i].out : "");
		stralloc_free(&out);
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(raw_parameters),
		cmocka_unit_test(decoded_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
