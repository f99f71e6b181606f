/* schedule.c and idlist.c: order, bounds, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "queue/idlist.h"
#include "queue/schedule.h"

static void
make(char id[ID_LEN + 1], unsigned n)
{
	snprintf(id, ID_LEN + 1, "%016u", n);
}

static void
records_come_in_order_of_time(void **state)
{
	struct schedule s = SCHEDULE_ZERO;
	char id[ID_LEN + 1];
	uint64_t last = 0;

	(void)state;
	srand(7);
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t next = (uint64_t)(rand() % 1000) + 1;
		make(id, (unsigned)next);
		assert_true(schedule_add(&s, id, next, 0));
	}
	assert_false(schedule_take(&s, schedule_next(&s) - 1, id));
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t next = schedule_next(&s);
		assert_true(next >= last);
		last = next;
		assert_true(schedule_take(&s, 1000, id));
		assert_int_equal(strtoull(id, NULL, 10), next);
	}
	assert_false(schedule_take(&s, UINT64_MAX, id));
	assert_true(schedule_next(&s) == UINT64_MAX);
	schedule_free(&s);
}

static void
a_hundred_thousand_fit_in_four_mebibytes(void **state)
{
	struct schedule s = SCHEDULE_ZERO;
	char id[ID_LEN + 1];

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		make(id, i);
		assert_true(schedule_add(&s, id, i, 0));
	}
	assert_true(s.room * sizeof *s.heap <= 4 * 1024 * 1024);
	schedule_free(&s);
}

static bool
is_odd(void *data, struct schedule_record const *r)
{
	(void)data;
	return r->next & 1;
}

static void
what_is_pulled_leaves_the_rest_in_order(void **state)
{
	struct schedule s = SCHEDULE_ZERO;
	char id[ID_LEN + 1];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		make(id, i);
		assert_true(schedule_add(&s, id, (i * 7919) % 1000, 0));
	}
	schedule_pull(&s, is_odd, NULL);
	assert_int_equal(s.count, 500);
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(schedule_next(&s), 2 * i);
		assert_true(schedule_take(&s, 2 * i, id));
	}
	schedule_free(&s);
}

static void
tags_know_where_it_goes(void **state)
{
	uint64_t one = schedule_tag(SCHEDULE_NOWHERE, "a.test", 6), two;

	(void)state;
	assert_true(schedule_goes_to(one, "a.test", 6));
	assert_false(schedule_goes_to(one, "b.test", 6));
	assert_true(schedule_tag(one, "a.test", 6) == one);
	two = schedule_tag(one, "b.test", 6);
	assert_true(schedule_goes_to(two, "a.test", 6));
	assert_true(schedule_goes_to(two, "b.test", 6));
	assert_false(schedule_goes_to(SCHEDULE_NOWHERE, "a.test", 6));
	assert_true(schedule_goes_to(SCHEDULE_ANYWHERE, "a.test", 6));
}

static void
delays_double_and_are_bounded(void **state)
{
	static struct {
		uint32_t n;
		uint64_t first, max, least, most;
	} const cases[] = {
		{1, 300, 14400, 263, 337},
		{2, 300, 14400, 525, 675},
		{6, 300, 14400, 8400, 10800},
		{7, 300, 14400, 12600, 16200},
		{UINT32_MAX, 300, 14400, 12600, 16200},
		{1, 1, 2, 1, 1},
		{0, 0, 0, 1, 1},
		{1, 500, 100, 88, 112},
		{9, UINT64_MAX / 3, UINT64_MAX / 2, 1, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (unsigned chance = 0; chance < 256; chance += 51) {
			uint64_t delay = schedule_delay(cases[i].n,
				cases[i].first, cases[i].max, chance);
			assert_true(delay >= cases[i].least);
			assert_true(delay <= cases[i].most);
		}
}

static void
a_line_is_first_in_first_out(void **state)
{
	struct idlist l = IDLIST_ZERO;
	char id[ID_LEN + 1], want[ID_LEN + 1];
	unsigned in = 0, out = 0;

	(void)state;
	/* Grows while its front has moved on: the ring wraps. */
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 2 * round + 7; i++) {
			make(id, in++);
			assert_true(idlist_add(&l, id));
		}
		for (unsigned i = 0; i < round + 5; i++) {
			make(want, out++);
			assert_true(idlist_take(&l, id));
			assert_string_equal(id, want);
		}
	}
	assert_int_equal(l.count, in - out);
	while (idlist_take(&l, id)) {
		make(want, out++);
		assert_string_equal(id, want);
	}
	assert_int_equal(in, out);
	/* Empty, it holds no memory. */
	assert_null(l.ids);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(records_come_in_order_of_time),
		cmocka_unit_test(a_hundred_thousand_fit_in_four_mebibytes),
		cmocka_unit_test(what_is_pulled_leaves_the_rest_in_order),
		cmocka_unit_test(tags_know_where_it_goes),
		cmocka_unit_test(delays_double_and_are_bounded),
		cmocka_unit_test(a_line_is_first_in_first_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
