/* id.h: ids are well-formed, sorted by age and not repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "common/id.h"

static void
made_id_is_valid(void **state)
{
	char id[ID_LEN + 1];

	(void)state;
	id_make(id);
	assert_int_equal(strlen(id), ID_LEN);
	assert_true(id_valid(id, ID_LEN));
	assert_in_range(id_time(id), time(NULL) - 1, time(NULL));
}

static void
later_id_sorts_behind(void **state)
{
	char a[ID_LEN + 1], b[ID_LEN + 1];
	struct timespec pause = {.tv_nsec = 2000000};

	(void)state;
	for (int i = 0; i < 20; i++) {
		id_make(a);
		nanosleep(&pause, NULL);
		id_make(b);
		assert_true(strcmp(a, b) < 0);
	}
}

static void
ids_of_one_moment_differ(void **state)
{
	char ids[1000][ID_LEN + 1];

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		id_make(ids[i]);
	for (size_t i = 1; i < 1000; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
}

static void
secrets_differ(void **state)
{
	char a[ID_SECRET_LEN + 1], b[ID_SECRET_LEN + 1];

	(void)state;
	id_secret(a);
	id_secret(b);
	assert_int_equal(strlen(a), ID_SECRET_LEN);
	assert_string_not_equal(a, b);
}

static void
malformed_is_refused(void **state)
{
	(void)state;
	assert_true(id_valid("0123456789abcdef", 16));
	assert_false(id_valid("0123456789abcdef", 15));
	assert_false(id_valid("0123456789abcdei", 16));
	assert_false(id_valid("0123456789ABCDEF", 16));
	assert_false(id_valid("0123456789abc/ef", 16));
	assert_false(id_valid("0123456789abcd\0f", 16));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(made_id_is_valid),
		cmocka_unit_test(later_id_sorts_behind),
		cmocka_unit_test(ids_of_one_moment_differ),
		cmocka_unit_test(secrets_differ),
		cmocka_unit_test(malformed_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
