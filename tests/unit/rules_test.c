/* smtpd/check/rules.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "smtpd/check/rules.h"
#include "tests/unit/exact.h"

static struct rules rules;

static bool
parse(char const *s)
{
	char const *why;
	unsigned line;

	return rules_parse(&rules, s, strlen(s), &line, &why);
}

static void
lines(void **state)
{
	static struct {
		char const *line;
		bool good;
	} const cases[] = {
		{"", true},
		{"# a comment", true},
		{"rule A spf=fail weight 3", true},
		{"rule A spf=fail,softfail weight -2.25  # why", true},
		{"rule A spf=fail dmarc=fail reject 5.7.1 go away", true},
		{"rule A score>=10 reject", true},
		{"rule A score<0 accept", true},
		{"rule A list:zen.example.org weight 5", true},
		{"rule A list:zen.example.org=127.0.0.2,127.0.0.4-127.0.0.7 "
		 "junk",
			true},
		{"rule A url:multi.example.org=&14 weight 2", true},
		{"rule A !list:white.example.org spamicity>=0.99 tag", true},
		{"rule A nothing", true},
		{"hook h /usr/bin/h", true},
		{"hook h /usr/bin/h skip login=no", true},
		{"milter m inet:127.0.0.1:11332 skip", true},
		{"milter m inet:[::1]:11332", true},
		{"milter m unix:/run/m.sock tempfail", true},
		{"rule", false},
		{"rule A", false},
		{"rule A spf=fail", false},
		{"rule A spf=wrong weight 1", false},
		{"rule A spf=fail, weight 1", false},
		{"rule A spf= weight 1", false},
		{"rule A spf weight 1", false},
		{"rule A spf>=1 weight 1", false},
		{"rule A score=1 weight 1", false},
		{"rule A score>=x weight 1", false},
		{"rule A score>1 weight 1", false},
		{"rule A nonsense=1 weight 1", false},
		{"rule A spf=fail weight", false},
		{"rule A spf=fail weight 1.234", false},
		{"rule A spf=fail weight 1 2", false},
		{"rule A spf=fail weight 1.", false},
		{"rule A spf=fail junk now", false},
		{"rule A spf=fail reject 4.7.1 later", false},
		{"rule A spf=fail tempfail 5.7.1 never", false},
		{"rule A spf=fail reject caf\xc3\xa9", false},
		{"rule a.b spf=fail junk", false},
		{"rule A list:nodot weight 1", false},
		{"rule A list:a..b weight 1", false},
		{"rule A list:.a.b weight 1", false},
		{"rule A list:a.b=10.0.0.1 weight 1", false},
		{"rule A list:a.b=127.0.0.9-127.0.0.2 weight 1", false},
		{"rule A list:a.b=& weight 1", false},
		{"rule A list:a.b>=2 weight 1", false},
		{"hook h bin/h", false},
		{"hook h", false},
		{"milter m localhost:11332", false},
		{"milter m inet:localhost:11332", false},
		{"milter m inet:127.0.0.1:", false},
		{"milter m inet:127.0.0.1:70000", false},
		{"milter m unix:run", false},
		{"frobnicate", false},
		{"rule A spf=fail \x01 junk", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = strlen(cases[i].line);
		char *line = exact(cases[i].line, len);
		char const *why = NULL;

		rules.count = rules.zone_count = 0;
		if (rules_line(&rules, line, len, 1, &why) != cases[i].good)
			fail_msg("%s: %s", cases[i].line, why);
		assert_int_equal(why == NULL, cases[i].good);
		free(line);
	}
}

static void
first_bad_line_is_told(void **state)
{
	char const *why, text[] = "# rules\nrule A junk\n\nbad\nworse\n";
	unsigned line;

	(void)state;
	assert_false(rules_parse(&rules, text, strlen(text), &line, &why));
	assert_int_equal(line, 4);
	assert_true(parse("rule A junk"));
	assert_int_equal(rules.count, 1);
}

static bool
hold(size_t i, struct rules_facts const *facts)
{
	return rules_hold(&rules, &rules.statements[i], facts);
}

static void
conditions(void **state)
{
	struct rules_facts facts = {.words = {[RULES_SPF] = "softfail"},
		.numbers = {[RULES_SCORE] = 450}};
	struct rules_zone *z;

	(void)state;
	assert_true(parse("rule A spf=fail,softfail weight 1\n"
			  "rule B !spf=pass weight 1\n"
			  "rule C dkim=pass weight 1\n"
			  "rule D score>=4.5 weight 1\n"
			  "rule E score<4.5 weight 1\n"
			  "rule F list:a.b weight 1\n"
			  "rule G list:a.b=127.0.0.4-127.0.0.7 weight 1\n"
			  "rule H list:a.b=&6 weight 1\n"
			  "rule I list:a.b=&8,127.0.0.5 weight 1\n"
			  "rule J spamicity<0.5 weight 1\n"
			  "rule K spf=softfail score>=5 weight 1\n"
			  "rule L weight 1\n"));
	assert_int_equal(rules.zone_count, 1);
	assert_true(hold(0, &facts));
	assert_true(hold(1, &facts));
	assert_false(hold(2, &facts));
	assert_true(hold(3, &facts));
	assert_false(hold(4, &facts));
	assert_false(hold(5, &facts));
	assert_false(hold(9, &facts));
	assert_false(hold(10, &facts));
	assert_true(hold(11, &facts));
	z = rules_zone(&rules, "a.b");
	assert_non_null(z);
	z->answers[0] = 0x7f000005;
	z->answer_count = 1;
	assert_true(hold(5, &facts));
	assert_true(hold(6, &facts));
	assert_true(hold(7, &facts));
	assert_true(hold(8, &facts));
	z->answers[0] = 0x7f000009;
	assert_false(hold(6, &facts));
	assert_false(hold(7, &facts));
	assert_true(hold(8, &facts));
}

static void
bayes_is_noticed(void **state)
{
	(void)state;
	assert_true(parse("rule A spf=fail junk\n"));
	assert_false(rules.uses_bayes);
	assert_true(parse("rule A bayes=spam junk\n"));
	assert_true(rules.uses_bayes);
	assert_true(parse("rule A spamicity>=0.9 junk\n"));
	assert_true(rules.uses_bayes);
}

static void
numbers(void **state)
{
	static struct {
		int64_t n;
		char const *text;
	} const cases[] = {{0, "0"}, {300, "3"}, {-250, "-2.5"}, {-50, "-0.5"},
		{5, "0.05"}, {1234, "12.34"}, {110, "1.1"}};
	char text[RULES_NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rules_format(cases[i].n, text);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(first_bad_line_is_told),
		cmocka_unit_test(conditions),
		cmocka_unit_test(bayes_is_noticed),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
