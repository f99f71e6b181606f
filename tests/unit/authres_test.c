/* Authentication-Results fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mime/dkim/authres.h"
#include "tests/unit/exact.h"

static void
whose_it_is(void **state)
{
	static struct {
		char const *value;
		bool is_ours;
	} const cases[] = {
		{" mx.example.org; none", true},
		{" MX.Example.ORG 1; spf=pass", true},
		{" (x (y)) mx.example.org\r\n\t; spf=pass", true},
		{" \"mx.example.org\"; spf=pass", true},
		{" mx.example.org", true},
		{" mx.example.org rubbish", true},
		{" mx.example.org.evil.example; none", false},
		{" evil.example; none (mx.example.org)", false},
		{"", false},
		{" ; none", false},
		{" (mx.example.org; none", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].value);
		char *s = exact(cases[i].value, len);
		if (authres_claims(s, len, "mx.example.org") !=
			cases[i].is_ours)
			fail_msg("%s", cases[i].value);
		free(s);
	}
}

static bool
is(struct authres_text const *t, char const *wanted)
{
	return t->len == strlen(wanted) && memcmp(t->s, wanted, t->len) == 0;
}

/* RFC 8601 B.6. */
static void
results_are_read(void **state)
{
	static char const value[] =
		" foo.example.net (foobar) 1 (baz);\r\n"
		" dkim (Because I like it) / 1 (One yay) = (wait for it) "
		"fail\r\n"
		" policy (A dot can go here) . (like that) expired\r\n"
		" (this surprised me) = (as I wasn't expecting it) "
		"1362471462;\r\n"
		" spf=pass reason=\"good (x)\" smtp.mailfrom=a@b.example";
	struct authres_reader r;
	struct authres_result one;
	struct authres_text id, text;

	(void)state;
	assert_true(authres_start(&r, value, strlen(value), &id));
	assert_true(is(&id, "foo.example.net"));
	assert_int_equal(authres_next(&r, &one), 1);
	assert_true(is(&one.method, "dkim") && is(&one.result, "fail"));
	assert_true(authres_property(&r, &one, "policy", "expired", &text));
	assert_true(is(&text, "1362471462"));
	assert_int_equal(authres_next(&r, &one), 1);
	assert_true(is(&one.reason, "good (x)"));
	assert_true(authres_property(&r, &one, "smtp", "mailfrom", &text));
	assert_true(is(&text, "a@b.example"));
	assert_false(authres_property(&r, &one, "smtp", "helo", &text));
	assert_int_equal(authres_next(&r, &one), 0);
	assert_false(authres_start(&r, " a.example 2; none", 18, &id));
}

static void
foreign_text_is_made_harmless(void **state)
{
	struct authres_writer w;
	char out[300];

	(void)state;
	authres_begin(&w, out, sizeof out, "mx.example.org");
	authres_add(&w, "spf", "fail");
	authres_add_reason(&w, "a \"b\"");
	authres_add_comment(&w, "x) y\\");
	authres_add_property(&w, "smtp.mailfrom", "a\r\nX: b@c.example");
	authres_add_property(&w, "smtp.helo", "");
	authres_end(&w);
	assert_string_equal(out,
		"mx.example.org;\r\n\tspf=fail reason=\"a \\\"b\\\"\" (x? y?) "
		"smtp.mailfrom=\"a??X: b@c.example\"");
}

static void
what_does_not_fit_is_left_out(void **state)
{
	struct authres_writer w;
	char out[40];

	(void)state;
	authres_begin(&w, out, sizeof out, "mx.example.org");
	authres_add(&w, "spf", "pass");
	authres_add_property(&w, "smtp.mailfrom", "abcdefghijkl@m.example");
	authres_add(&w, "dkim", "pass");
	authres_end(&w);
	assert_string_equal(out, "mx.example.org;\r\n\tspf=pass");
	authres_begin(&w, out, sizeof out, "mx.example.org");
	authres_end(&w);
	assert_string_equal(out, "mx.example.org; none");
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(whose_it_is),
		cmocka_unit_test(results_are_read),
		cmocka_unit_test(foreign_text_is_made_harmless),
		cmocka_unit_test(what_does_not_fit_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
