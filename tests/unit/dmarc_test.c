/* DMARC records, and lines of report data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "smtpd/check/dmarc.h"
#include "smtpd/check/dmarc_line.h"
#include "tests/unit/exact.h"

static void
what_is_a_record(void **state)
{
	static struct {
		char const *text;
		bool is_record;
	} const cases[] = {
		{"v=DMARC1", true},
		{"v = DMARC1 ; p=none", true},
		{"v=DMARC1;", true},
		{"v=dmarc1; p=none", false},
		{"v=DMARC10", false},
		{"p=none; v=DMARC1", false},
		{" v=DMARC1", false},
		{"v=DMARC1 p=none", false},
		{"v", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);
		char *s = exact(cases[i].text, len);
		if (dmarc_record_is(s, len) != cases[i].is_record)
			fail_msg("%s", cases[i].text);
		free(s);
	}
}

static struct dmarc_record
parse(char const *text, bool is_well)
{
	struct dmarc_record r;
	size_t len = strlen(text);
	char *s = exact(text, len);

	assert_int_equal(dmarc_record_parse(s, len, &r), is_well);
	free(s);
	return r;
}

static void
defaults_and_values(void **state)
{
	struct dmarc_record r = parse("v=DMARC1; p=reject", true);

	(void)state;
	assert_int_equal(r.sp, DMARC_POLICY_REJECT);
	assert_int_equal(r.np, DMARC_POLICY_REJECT);
	assert_false(r.strict_dkim || r.strict_spf || r.testing);
	assert_int_equal(r.psd, 'u');
	assert_string_equal(r.fo, "0");
	r = parse("v=DMARC1;p=reject;SP=Quarantine;adkim=s;aspf=S;t=y;psd=n;"
		  "fo=1:d;rua=mailto:a@b.c , mailto:d@e.f;pct=10;x",
		true);
	assert_int_equal(r.sp, DMARC_POLICY_QUARANTINE);
	assert_int_equal(r.np, DMARC_POLICY_QUARANTINE);
	assert_true(r.strict_dkim && r.strict_spf && r.testing);
	assert_int_equal(r.psd, 'n');
	assert_string_equal(r.fo, "1:d");
	assert_string_equal(r.rua, "mailto:a@b.c , mailto:d@e.f");
	/* RFC 9989 4.10.1. */
	(void)parse("v=DMARC1; p=maybe", false);
	(void)parse("v=DMARC1; p=maybe; rua=nothing", false);
	r = parse("v=DMARC1; p=reject; sp=maybe; rua=mailto:a@b.c", true);
	assert_int_equal(r.p, DMARC_POLICY_NONE);
	/* RFC 9989 4.7: no p= is p=none. */
	r = parse("v=DMARC1; sp=reject", true);
	assert_int_equal(r.p, DMARC_POLICY_NONE);
	assert_int_equal(r.sp, DMARC_POLICY_REJECT);
}

static void
a_walk_asks_for_eight_names(void **state)
{
	char names[DMARC_WALK_MAX][DMARC_NAME_SIZE];

	(void)state;
	assert_int_equal(dmarc_walk("a.mail.example.com", names), 4);
	assert_string_equal(names[0], "_dmarc.a.mail.example.com");
	assert_string_equal(names[3], "_dmarc.com");
	/* RFC 9989 4.10. */
	assert_int_equal(
		dmarc_walk("a.b.c.d.e.f.g.h.i.j.mail.example.com", names), 8);
	assert_string_equal(names[1], "_dmarc.g.h.i.j.mail.example.com");
	assert_string_equal(names[7], "_dmarc.com");
	assert_int_equal(dmarc_walk("", names), 0);
}

static void
lines_read_back(void **state)
{
	static struct mailauth_results results = {
		.spf_from = {.code = SPF_FAIL, .domain = "m.example"},
		.dkim = {.count = 2,
			.list = {{.code = DKIM_FAIL,
					 .domain = "a.example",
					 .selector = "s1"},
				{.code = DKIM_PASS,
					.domain = "b.example",
					.selector = "s2"}}},
		.dmarc = {.code = DMARC_FAIL,
			.from = "x.example",
			.policy_domain = "example",
			.policy = DMARC_POLICY_REJECT,
			.disposition = DMARC_POLICY_QUARANTINE,
			.record = {.exists = true,
				.p = DMARC_POLICY_REJECT,
				.fo = "0",
				.rua = "mailto:a@b.c , mailto:\rd"}}};
	struct mailauth_request request = {.client = "2001:db8::1", .now = 42};
	char out[DMARC_LINE_MAX];
	struct dmarc_line line;
	size_t len = dmarc_line_make(
		&request, &results, DMARC_POLICY_QUARANTINE, "", out);

	(void)state;
	assert_true(len > 0 && out[len - 1] == '\n');
	assert_true(dmarc_line_parse(out, len - 1, &line));
	assert_int_equal(line.time, 42);
	assert_memory_equal(line.fields[DMARC_FIELD_SIGNATURES].s,
		"b.example/s2/pass,a.example/s1/fail ", 36);
	assert_memory_equal(
		line.fields[DMARC_FIELD_RUA].s, "mailto:a@b.c,mailto:?d\n", 23);
	assert_memory_equal(
		line.fields[DMARC_FIELD_REASON].s, "policy_test_mode ", 17);
	for (size_t cut = 0; cut < len - 1; cut++) {
		char *s = exact(out, cut);
		/* A line that ends within its last value is whole. */
		bool is_whole = dmarc_line_parse(s, cut, &line);
		assert_true(!is_whole || out + cut >= strstr(out, "rua="));
		free(s);
	}
	results.dmarc.record.rua[0] = '\0';
	assert_int_equal(
		dmarc_line_make(&request, &results, DMARC_POLICY_NONE, "", out),
		0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(what_is_a_record),
		cmocka_unit_test(defaults_and_values),
		cmocka_unit_test(a_walk_asks_for_eight_names),
		cmocka_unit_test(lines_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
