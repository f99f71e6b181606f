/* What sts reads and says: policies, records, its files, frames, counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "exact.h"
#include "common/admin/tlsrpt_report.h"
#include "remote/stscache.h"
#include "remote/stswire.h"

static bool
parse(char const *text, struct stspolicy *p)
{
	size_t len = strlen(text);
	char *s = exact(text, len);
	bool ok = stspolicy_parse(s, len, p);

	free(s);
	return ok;
}

static void
policy_is_read(void **state)
{
	static struct stspolicy p;

	(void)state;
	assert_true(parse("version: STSv1\r\nmode: enforce\r\n"
			  "mx: mail.example.com\r\nmx: *.Example.NET\r\n"
			  "max_age: 604800\r\n",
		&p));
	assert_int_equal(p.mode, STSPOLICY_ENFORCE);
	assert_int_equal(p.max_age, 604800);
	assert_int_equal(p.mx_count, 2);
	assert_string_equal(p.mx[1], "*.example.net");
	/* LF alone, blanks, other fields, no line end behind the last. */
	assert_true(parse("mode:testing\n\nx-new: 1:2\nversion :  STSv1 \n"
			  "mx:a\nmax_age:99999999\nmode: nonsense",
		&p));
	assert_int_equal(p.mode, STSPOLICY_TESTING);
	assert_int_equal(p.max_age, STSPOLICY_AGE_MAX);
	assert_true(parse("version: STSv1\nmode: none\nmax_age: 0\n", &p));
	assert_int_equal(p.mode, STSPOLICY_NONE);
}

static void
policy_that_is_malformed(void **state)
{
	static char const *const cases[] = {"", "x", "version: STSv1\n",
		"version: STSv2\nmode: none\nmax_age: 1\n",
		"mode: none\nmax_age: 1\n",
		"version: STSv1\nmode: enforce\nmax_age: 1\n",
		"version: STSv1\nmode: on\nmx: a\nmax_age: 1\n",
		"version: STSv1\nmode: enforce\nmx: a\nmax_age: -1\n",
		"version: STSv1\nmode: enforce\nmx: a\nmax_age: 12345678901\n",
		"version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n",
		"version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1\n",
		"version: STSv1\nmode: enforce\nmx: *.\nmax_age: 1\n",
		"version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1\n",
		"version: STSv1\nmode: enforce\nmx: a.\nmax_age: 1\n",
		"version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 1\n"};
	static struct stspolicy p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (parse(cases[i], &p))
			fail_msg("taken: %s", cases[i]);
}

static void
star_is_for_one_label(void **state)
{
	static struct stspolicy p = {
		.mx_count = 2, .mx = {"mx.example.com", "*.example.net"}};

	(void)state;
	assert_true(stspolicy_names(&p, "mx.example.com"));
	assert_true(stspolicy_names(&p, "a.example.net"));
	assert_false(stspolicy_names(&p, "a.b.example.net"));
	assert_false(stspolicy_names(&p, "example.net"));
	assert_false(stspolicy_names(&p, ".example.net"));
	assert_false(stspolicy_names(&p, "a.mx.example.com"));
}

static void
record_has_an_id(void **state)
{
	static struct {
		char const *text, *id;
		int result;
	} const cases[] = {
		{"v=STSv1; id=20160831085700Z;", "20160831085700Z", 1},
		{"v=STSv1;id=1", "1", 1}, {"v=STSv1 ; x=y; id=a ;", "a", 1},
		{"v=STSv1", "", 0}, {"v=STSv10; id=1", "", 0},
		{"v=spf1 -all", "", 0}, {"", "", 0}, {"v=STSv1;", "", -1},
		{"v=STSv1; id=", "", -1}, {"v=STSv1; id=a-b", "", -1},
		{"v=STSv1; id=1; id=2", "", -1},
		{"v=STSv1; id=123456789012345678901234567890123", "", -1}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);
		char *s = exact(cases[i].text, len);
		char id[STSPOLICY_ID_SIZE];
		int r = stspolicy_record(s, len, id);

		free(s);
		if (r != cases[i].result)
			fail_msg("%d: %s", r, cases[i].text);
		if (r > 0)
			assert_string_equal(id, cases[i].id);
	}
}

static void
file_is_read(void **state)
{
	static char const text[] = "id ab1\nfetched 1700000000\n\n"
				   "version: STSv1\nmode: none\nmax_age: 9\n";
	static struct stscache c;

	(void)state;
	assert_true(stscache_parse(text, sizeof text - 1, &c));
	assert_string_equal(c.id, "ab1");
	assert_int_equal(c.fetched, 1700000000);
	assert_int_equal(c.policy.max_age, 9);
	for (size_t len = 0; len < 30; len++)
		assert_false(stscache_parse(text, len, &c));
}

static void
frames_come_back(void **state)
{
	static char frame[32768];
	static struct stspolicy p = {.mode = STSPOLICY_ENFORCE,
		.max_age = 77,
		.mx_count = 2,
		.mx = {"a.b", "*.c"}};
	static struct stspolicy q;
	struct stswire_question asked;
	struct stswire_report r = {.policy = TLSRPT_TLSA,
		.result = TLSRPT_CERTIFICATE_EXPIRED,
		.domain = "a.b",
		.domain_len = 3,
		.host = "mx",
		.host_len = 2,
		.from = "",
		.to = "::1",
		.to_len = 3,
		.why = "no",
		.why_len = 2};
	size_t len;

	(void)state;
	len = stswire_ask_encode(frame, sizeof frame, "example.org");
	assert_true(stswire_question_decode(frame, len, &asked));
	assert_string_equal(asked.domain, "example.org");
	assert_false(stswire_question_decode(frame, len - 1, &asked));
	assert_false(stswire_question_decode(frame, len + 1, &asked));
	len = stswire_ask_encode(frame, sizeof frame, "../x");
	assert_false(stswire_question_decode(frame, len, &asked));
	len = stswire_report_encode(frame, sizeof frame, &r);
	assert_true(stswire_question_decode(frame, len, &asked));
	assert_int_equal(asked.report.result, TLSRPT_CERTIFICATE_EXPIRED);
	assert_memory_equal(asked.report.to, "::1", 3);
	r.why = "a\tb";
	r.why_len = 3;
	len = stswire_report_encode(frame, sizeof frame, &r);
	assert_false(stswire_question_decode(frame, len, &asked));
	len = stswire_answer_encode(frame, sizeof frame, &p);
	assert_int_equal(stswire_answer_decode(frame, len, &q), 1);
	assert_int_equal(q.max_age, 77);
	assert_string_equal(q.mx[1], "*.c");
	assert_int_equal(stswire_answer_decode(frame, len - 1, &q), -1);
	len = stswire_answer_encode(frame, sizeof frame, NULL);
	assert_int_equal(stswire_answer_decode(frame, len, &q), 0);
}

static void
line_of_counts(void **state)
{
	static char const text[] = "12\tsts\tsuccess\ta.b\t\t\t\t";
	struct tlsrpt_line l;

	(void)state;
	assert_true(tlsrpt_line_parse(text, sizeof text - 1, &l));
	assert_int_equal(l.count, 12);
	assert_int_equal(l.fields[TLSRPT_FIELD_DOMAIN].len, 3);
	assert_false(tlsrpt_line_parse(text, sizeof text - 2, &l));
	assert_false(tlsrpt_line_parse("x\t\t\t\t\t\t\t", 8, &l));
	assert_false(tlsrpt_line_parse("1\t\t\t\t\t\t\t\t", 9, &l));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(policy_is_read),
		cmocka_unit_test(policy_that_is_malformed),
		cmocka_unit_test(star_is_for_one_label),
		cmocka_unit_test(record_has_an_id),
		cmocka_unit_test(file_is_read),
		cmocka_unit_test(frames_come_back),
		cmocka_unit_test(line_of_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
