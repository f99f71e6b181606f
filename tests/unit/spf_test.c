/* SPF's records, macros and evaluation, where the public suite says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "smtpd/check/spf.h"
#include "smtpd/check/spf_macro.h"
#include "smtpd/check/spf_record.h"
#include "tests/unit/exact.h"
#include "tests/unit/fake_dns.h"

static struct spf_macro_values const values = {
	.sender = "strong-bad@email.example.com",
	.local = "strong-bad",
	.sender_domain = "email.example.com",
	.domain = "email.example.com",
	.dotted = "192.0.2.3",
	.readable = "192.0.2.3",
	.name = "mx.example.org",
	.helo = "h.example",
	.receiver = "r.example",
	.now = "1"};

static void
macros_expand_as_rfc_7208_7_4_shows(void **state)
{
	static char const *const cases[][2] = {
		{"%{s}", "strong-bad@email.example.com"},
		{"%{o}", "email.example.com"},
		{"%{d4}", "email.example.com"},
		{"%{d2}", "example.com"},
		{"%{d1}", "com"},
		{"%{dr}", "com.example.email"},
		{"%{d2r}", "example.email"},
		{"%{l-}", "strong.bad"},
		{"%{lr}", "strong-bad"},
		{"%{lr-}", "bad.strong"},
		{"%{l1r-}", "strong"},
		{"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
		{"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
		{"%{d2}.trusted-domains.example.net",
			"example.com.trusted-domains.example.net"},
		{"%{S}", "strong-bad%40email.example.com"},
		{"%%%_%-", "% %20"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i][0]);
		char *s = exact(cases[i][0], len), out[200];
		assert_true(spf_macro_valid(s, len, SPF_MACRO_STRING));
		assert_true(spf_macro_expand(
				    s, len, &values, out, sizeof out) >= 0);
		assert_string_equal(out, cases[i][1]);
		free(s);
	}
}

static void
what_is_no_macro_is_refused(void **state)
{
	static char const *const bad[] = {"%", "%{", "%{s", "%{s0}", "%{x}",
		"%(s)", "%{c}", "%{s!}", "a b", "%{sr5}"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t len = strlen(bad[i]);
		char *s = exact(bad[i], len);
		assert_false(spf_macro_valid(s, len, SPF_MACRO_STRING));
		free(s);
	}
	assert_true(spf_macro_valid("%{c} a", 6, SPF_MACRO_EXPLAIN));
	assert_true(spf_macro_valid("a.museum.", 9, SPF_MACRO_DOMAIN));
	assert_false(spf_macro_valid("a.1", 3, SPF_MACRO_DOMAIN));
	assert_false(spf_macro_valid("museum", 6, SPF_MACRO_DOMAIN));
}

static void
names_lose_labels_from_the_left(void **state)
{
	char name[301];

	(void)state;
	memset(name, 'a', 300);
	name[300] = '\0';
	name[10] = name[60] = name[120] = '.';
	assert_ptr_equal(spf_macro_shorten(name, 300), name + 61);
	assert_ptr_equal(spf_macro_shorten(name + 61, 239), name + 61);
}

static void
records_are_read(void **state)
{
	static struct {
		char const *text;
		bool is_well;
	} const cases[] = {
		{"v=spf1", true},
		{"v=spf1   ", true},
		{"v=spf1 a/24//64 -all", true},
		{"v=spf1 a//64", true},
		{"v=spf1 A:x.example/0", true},
		{"v=spf1 ip4:1.2.3.4/33", false},
		{"v=spf1 ip4:1.2.3", false},
		{"v=spf1 ip4:1.2.3.4/08", false},
		{"v=spf1 ip6:::1/129", false},
		{"v=spf1 a/", false},
		{"v=spf1 a//", false},
		{"v=spf1 a/24/", false},
		{"v=spf1 all:x", false},
		{"v=spf1 include", false},
		{"v=spf1 -redirect=a.b", false},
		{"v=spf1 redirect=a.b redirect=a.b", false},
		{"v=spf1 exp=a.b exp=a.b", false},
		{"v=spf1 moo.cow-far_out=man:dog/cat", true},
		{"v=spf1 =x", false},
		{"v=spf1 a:x.example\t-all", false},
	};
	struct spf_term redirect, exp;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);
		char *s = exact(cases[i].text, len);
		assert_true(spf_record_is(s, len));
		if (spf_record_check(s, len, &redirect, &exp) !=
			cases[i].is_well)
			fail_msg("%s", cases[i].text);
		free(s);
	}
	assert_false(spf_record_is("v=spf10", 7));
	assert_false(spf_record_is("v=spf", 5));
}

static enum spf_code
check(struct fake_record *table, char const *client, char const *sender,
	unsigned *asked)
{
	struct spf_request r = {
		.helo = "h.example", .sender = sender, .receiver = "r"};
	struct spf_result result;
	struct query query;

	assert_true(spf_client_parse(client, &r.client));
	query_init(&query, fake_dns, table, 1000);
	spf_check(&query, &r, &result);
	if (asked != NULL)
		*asked = query.asked;
	query_free(&query);
	return result.code;
}

static void
names_are_asked_together_and_once(void **state)
{
	struct fake_record table[] = {
		{"a.example", DNS_TXT, "v=spf1 mx mx/24 -all", 0},
		{"a.example", DNS_MX, "1.example", 0},
		{"a.example", DNS_MX, "2.example", 0},
		{"1.example", DNS_A, "\300\0\2\1", 4},
		{"2.example", DNS_A, "\300\0\3\1", 4}, {0}};
	unsigned asked;

	(void)state;
	assert_int_equal(
		check(table, "192.0.3.9", "x@a.example", &asked), SPF_PASS);
	assert_int_equal(asked, 4);
	assert_int_equal(
		check(table, "192.0.4.9", "x@a.example", NULL), SPF_FAIL);
}

static void
what_cannot_be_known_now_is_temporary(void **state)
{
	struct fake_record table[] = {
		{"a.example", DNS_TXT, "v=spf1 exists:b.example -all", 0},
		{"b.example", DNS_A, NULL, 0}, {0}};

	(void)state;
	assert_int_equal(
		check(table, "::1", "x@a.example", NULL), SPF_TEMPERROR);
	assert_int_equal(check(table, "::1", "x@c.example", NULL), SPF_NONE);
	assert_int_equal(check(table, "::1", "x@localhost", NULL), SPF_NONE);
	assert_int_equal(check(table, "::1", "x@[127.0.0.1]", NULL), SPF_NONE);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(macros_expand_as_rfc_7208_7_4_shows),
		cmocka_unit_test(what_is_no_macro_is_refused),
		cmocka_unit_test(names_lose_labels_from_the_left),
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(names_are_asked_together_and_once),
		cmocka_unit_test(what_cannot_be_known_now_is_temporary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
