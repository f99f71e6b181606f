/* smtpd/check/dnsbl.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "smtpd/check/dnsbl.h"

/* What the resolver of these tests knows: a name and the last octet; 0: it does
 * not answer; 255: the list refuses; 254: not an address of a list. */
static struct {
	char const *name;
	unsigned char last;
} const known[] = {
	{"99.2.0.192.good.test", 2},
	{"99.2.0.192.slow.test", 0},
	{"99.2.0.192.shut.test", 255},
	{"99.2.0.192.liar.test", 254},
	{"evil.example.url.test", 4},
	{"2.0.0.127.good.test", 2},
	{"2.0.0.127.wild.test", 2},
	{"1.0.0.127.wild.test", 2},
	{"1.0.0.127.slow.test", 0},
	{"2.0.0.127.slow.test", 0},
	{"2.0.0.127.shut.test", 255},
	{"test.url.test", 2},
};
static size_t asked;

static void
way(struct query *query, struct query_question *questions, size_t count,
	int timeout_ms)
{
	(void)timeout_ms;
	for (size_t i = 0; i < count; i++) {
		unsigned char a[4] = {127, 0, 0, 0};

		asked++;
		questions[i].status = DNS_NXDOMAIN;
		for (size_t j = 0; j < sizeof known / sizeof *known; j++) {
			if (strcmp(known[j].name, questions[i].name) != 0)
				continue;
			if (known[j].last == 0) {
				questions[i].status = DNS_TEMPORARY;
				continue;
			}
			if (known[j].last == 255)
				a[1] = a[2] = 255;
			if (known[j].last == 254)
				a[0] = 10;
			a[3] = known[j].last;
			questions[i].status = DNS_FOUND;
			assert_true(query_add(
				query, &questions[i], 0, (char const *)a, 4));
		}
	}
}

static void
names(void **state)
{
	static struct {
		char const *address, *name;
	} const cases[] = {
		{"192.0.2.99", "99.2.0.192.z.test"},
		{"::ffff:192.0.2.99", "99.2.0.192.z.test"},
		{"2001:db8:1:2:3:4:567:89ab",
			"b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b."
			"d.0.1.0.0.2.z.test"},
		{"nonsense", NULL},
		{"", NULL},
	};
	char name[DNS_NAME_SIZE], zone[DNS_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool made = dnsbl_name(cases[i].address, "z.test", 6, name);
		assert_int_equal(made, cases[i].name != NULL);
		if (made)
			assert_string_equal(name, cases[i].name);
	}
	memset(zone, 'x', sizeof zone);
	assert_false(dnsbl_name("192.0.2.99", zone, 250, name));
}

static struct rules rules;

static void
parse(char const *s)
{
	char const *why;
	unsigned line;

	assert_true(rules_parse(&rules, s, strlen(s), &line, &why));
}

static size_t
answers(char const *zone)
{
	struct rules_zone const *z = rules_zone(&rules, zone);

	assert_non_null(z);
	return z->answer_count;
}

static void
all_zones_are_asked(void **state)
{
	enum dnsbl_state states[RULES_ZONES_MAX] = {0};
	struct query query;
	struct uribl u;
	static char const text[] = "http://evil.example http://good.example";

	(void)state;
	parse("rule A list:good.test weight 1\n"
	      "rule B list:slow.test weight 1\n"
	      "rule C list:shut.test weight 1\n"
	      "rule D list:liar.test weight 1\n"
	      "rule E url:url.test weight 1\n"
	      "rule F list:none.test weight 1\n");
	uribl_start(&u, NULL);
	uribl_text(&u, text, strlen(text));
	query_init(&query, way, NULL, 10000);
	assert_int_equal(
		dnsbl_ask(&rules, states, &query, "192.0.2.99", &u), 2);
	query_free(&query);
	assert_int_equal(answers("good.test"), 1);
	assert_int_equal(answers("slow.test"), 0);
	assert_int_equal(answers("shut.test"), 0);
	assert_int_equal(answers("liar.test"), 0);
	assert_int_equal(answers("url.test"), 1);
	assert_int_equal(answers("none.test"), 0);
}

static void
bad_zones_are_not_asked(void **state)
{
	enum dnsbl_state states[RULES_ZONES_MAX] = {DNSBL_BAD};
	struct query query;
	struct uribl u;

	(void)state;
	parse("rule A list:good.test weight 1\n");
	uribl_start(&u, NULL);
	query_init(&query, way, NULL, 10000);
	asked = 0;
	assert_int_equal(
		dnsbl_ask(&rules, states, &query, "192.0.2.99", &u), 0);
	assert_int_equal(asked, 0);
	/* Nor anybody without an address. */
	states[0] = DNSBL_GOOD;
	assert_int_equal(dnsbl_ask(&rules, states, &query, NULL, &u), 0);
	assert_int_equal(asked, 0);
	query_free(&query);
}

static void
test_points(void **state)
{
	enum dnsbl_state states[RULES_ZONES_MAX] = {0};
	struct query query;
	unsigned missing;

	(void)state;
	parse("rule A list:good.test weight 1\n"
	      "rule B list:wild.test weight 1\n"
	      "rule C list:slow.test weight 1\n"
	      "rule D list:shut.test weight 1\n"
	      "rule E list:none.test weight 1\n"
	      "rule F url:url.test weight 1\n");
	query_init(&query, way, NULL, 10000);
	dnsbl_test(&rules, states, &query, &missing);
	query_free(&query);
	assert_int_equal(states[0], DNSBL_GOOD);
	assert_int_equal(states[1], DNSBL_BAD);
	assert_int_equal(states[2], DNSBL_UNTESTED);
	assert_int_equal(states[3], DNSBL_BAD);
	assert_int_equal(states[4], DNSBL_GOOD);
	assert_int_equal(states[5], DNSBL_GOOD);
	assert_int_equal(missing, 1u << 4);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(all_zones_are_asked),
		cmocka_unit_test(bad_zones_are_not_asked),
		cmocka_unit_test(test_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
