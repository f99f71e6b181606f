/* What is asked for one message: once, not for ever, not without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "common/query.h"
#include "tests/unit/fake_dns.h"

static struct fake_record table[] = {{"a.example", DNS_TXT, "one", 0},
	{"a.example", DNS_TXT, "two", 0}, {"f.example", DNS_TXT, NULL, 0}, {0}};

static void
answers_are_kept(void **state)
{
	struct query_question q[] = {
		{.name = "A.example", .type = DNS_TXT},
		{.name = "a.example.", .type = DNS_TXT},
		{.name = "a.example", .type = DNS_A},
		{.name = "f.example", .type = DNS_TXT},
		{.name = "n.example", .type = DNS_TXT},
		{.name = "a..example", .type = DNS_TXT},
	};
	struct query query;

	(void)state;
	query_init(&query, fake_dns, table, 1000);
	for (unsigned i = 0; i < 2; i++) {
		query_ask(&query, q, 6);
		assert_int_equal(q[0].status, DNS_FOUND);
		assert_int_equal(q[0].count, 2);
		assert_string_equal(q[0].records[1].data, "two");
		assert_ptr_equal(q[1].records, q[0].records);
		assert_int_equal(q[2].status, DNS_NODATA);
		assert_int_equal(q[3].status, DNS_TEMPORARY);
		assert_int_equal(q[4].status, DNS_NXDOMAIN);
		assert_int_equal(q[5].status, DNS_NXDOMAIN);
		assert_int_equal(query.asked, 4);
	}
	query_free(&query);
	query_free(&query);
}

static void
number_and_time_are_bounded(void **state)
{
	struct query_question q = {.type = DNS_TXT};
	struct query query;
	char name[32];

	(void)state;
	query_init(&query, fake_dns, table, 60000);
	for (unsigned i = 0; i < QUERY_QUESTIONS_MAX + 10; i++) {
		snprintf(name, sizeof name, "n%u.example", i);
		q.name = name;
		query_ask(&query, &q, 1);
		assert_int_equal(q.status,
			i < QUERY_QUESTIONS_MAX ? DNS_NXDOMAIN : DNS_TEMPORARY);
	}
	query_free(&query);
	query_init(&query, fake_dns, table, 0);
	q.name = "a.example";
	query_ask(&query, &q, 1);
	assert_int_equal(q.status, DNS_TEMPORARY);
	assert_int_equal(query.asked, 0);
	query_free(&query);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(answers_are_kept),
		cmocka_unit_test(number_and_time_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
