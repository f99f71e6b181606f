/* room.c: when room is scarce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "queue/room.h"

static void
bounds(void **state)
{
	(void)state;
	assert_int_equal(room_judge(0, 0), ROOM_PLENTY);
	assert_int_equal(room_judge(100, 1000), ROOM_PLENTY);
	assert_int_equal(room_judge(99, 1000), ROOM_SCARCE);
	assert_int_equal(room_judge(20, 1000), ROOM_SCARCE);
	assert_int_equal(room_judge(19, 1000), ROOM_NONE);
	assert_int_equal(room_judge(UINT64_MAX, UINT64_MAX), ROOM_PLENTY);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {cmocka_unit_test(bounds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
