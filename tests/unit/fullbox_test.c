/* common/fullbox.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/fullbox.h"

static void
comes_and_goes(void **state)
{
	int const fd = memfd_create("load", 0);

	(void)state;
	assert_false(fullbox_has(fd, "bob@a.test", 10, 5));
	assert_true(fullbox_set(fd, "bob@a.test", 10, 0));
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	assert_true(fullbox_set(fd, "bob@a.test", 10, 7));
	assert_true(fullbox_has(fd, "bob@a.test", 10, 6));
	assert_false(fullbox_has(fd, "bob@a.test", 10, 7));
	assert_false(fullbox_has(fd, "bob@b.test", 10, 6));
	assert_true(fullbox_set(fd, "bob@a.test", 10, 0));
	assert_false(fullbox_has(fd, "bob@a.test", 10, 6));
	close(fd);
	assert_false(fullbox_set(fd, "bob@a.test", 10, 7));
	assert_false(fullbox_has(fd, "bob@a.test", 10, 6));
}

/* More than fit: the file does not grow, and the newest are there. */
static void
overflows(void **state)
{
	int const fd = memfd_create("load", 0);
	char key[32];
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * FULLBOX_SLOTS; i++) {
		int const n = snprintf(key, sizeof key, "u%u@a.test", i);

		assert_true(fullbox_set(fd, key, (size_t)n, 1000 + i));
	}
	for (unsigned i = 2 * FULLBOX_SLOTS - 100; i < 2 * FULLBOX_SLOTS; i++) {
		int const n = snprintf(key, sizeof key, "u%u@a.test", i);

		found += fullbox_has(fd, key, (size_t)n, 1000);
	}
	assert_true(found > 90);
	assert_true(
		lseek(fd, 0, SEEK_END) <= FULLBOX_OFFSET + FULLBOX_SLOTS * 16);
	close(fd);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(overflows),
	};

	return cmocka_run_group_tests_name("fullbox", tests, NULL, NULL);
}
