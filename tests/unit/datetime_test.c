/* common/datetime, against the C library's own calendar. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <time.h>
#include "common/datetime.h"

static void
a_known_date(void **state)
{
	char out[DATETIME_MAX];

	(void)state;
	assert_int_equal(datetime_format(out, 1236326472), 31);
	assert_string_equal(out, "Fri, 06 Mar 2009 08:01:12 +0000");
	datetime_format(out, 0);
	assert_string_equal(out, "Thu, 01 Jan 1970 00:00:00 +0000");
	datetime_format(out, UINT64_MAX);
	assert_memory_equal(out, "Fri, 31 Dec 9999", 16);
}

static void
as_the_library_says(void **state)
{
	char out[DATETIME_MAX], wanted[64];

	(void)state;
	/* A step that is no multiple of a day, over 800 years. */
	for (uint64_t t = 0; t < 25246000000; t += 1234567) {
		time_t seconds = (time_t)t;
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(wanted, sizeof wanted, "%a, %d %b %Y %H:%M:%S +0000",
			&tm);
		datetime_format(out, t);
		assert_string_equal(out, wanted);
		strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_int_equal(datetime_format_utc(out, t), 20);
		assert_string_equal(out, wanted);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(a_known_date),
		cmocka_unit_test(as_the_library_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
