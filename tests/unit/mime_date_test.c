/* mime/date: RFC 5322's examples, obsolete and broken forms. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mime/date.h"
#include "tests/unit/exact.h"

static struct {
	char const *name, *text;
	int64_t seconds;
	int zone;
	bool known;
} const good[] = {
	{"RFC 5322 A.1.1", "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360,
		true},
	{"RFC 5322 A.5, comments and folds",
		"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n"
		"      23:32\r\n               -0330 (Newfoundland Time)",
		-27723480, -210, true},
	{"RFC 5322 A.6.2, obsolete", "21 Nov 97 09:55:06 GMT", 880106106, 0,
		true},
	{"RFC 5322 A.6.3", "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
		880127706, -360, true},
	{"the epoch", "Thu, 1 Jan 1970 00:00:00 +0000", 0, 0, true},
	{"no seconds", "1 Jan 1970 00:01 +0000", 60, 0, true},
	{"no zone", "1 Jan 1970 00:01", 60, 0, false},
	{"unknown zone", "1 Jan 1970 00:01 -0000", 60, 0, false},
	{"unknown name", "1 Jan 1970 00:01 XYZ", 60, 0, false},
	{"military zone", "1 Jan 1970 00:01 A", 60, 0, false},
	{"EDT", "1 Jan 1970 00:00 EDT", 14400, -240, true},
	{"zone without case", "1 Jan 1970 00:00 est", 18000, -300, true},
	{"no comma", "Thu 1 Jan 1970 00:00:00 +0000", 0, 0, true},
	{"dashes", "1-Jan-1970 00:00:00 +0000", 0, 0, true},
	{"long names", "Thursday, 1 January 1970 00:00:00 +0000", 0, 0, true},
	{"two digits, this century", "1 Jan 49 00:00 +0000", 2493072000, 0,
		true},
	{"two digits, last century", "1 Jan 50 00:00 +0000", -631152000, 0,
		true},
	{"three digits", "1 Jan 103 00:00 +0000", 1041379200, 0, true},
	{"leap second", "30 Jun 1997 23:59:60 +0000", 867715200, 0, true},
	{"leap day", "29 Feb 2000 12:00:00 +0000", 951825600, 0, true},
	{"asctime", "Wed Nov  6 08:49:37 1994", 784111777, 0, false},
	{"asctime with a zone", "Wed Nov  6 08:49:37 EST 1994", 784129777, -300,
		true},
	{"junk behind", "1 Jan 1970 00:00:00 +0000 (x) y", 0, 0, true},
	{"half an hour", "1 Jan 1970 05:30:00 +0530", 0, 330, true},
};

static char const *const bad[] = {"", "Malformed Date.", "1", "1 Jan",
	"1 Jan 1970", "32 Jan 1970 00:00", "29 Feb 1900 00:00",
	"0 Jan 1970 00:00", "1 Foo 1970 00:00", "1 Jan 1970 24:00",
	"1 Jan 1970 00:60", "1 Jan 1970 0:0:61", "1 Jan 19700 00:00",
	"111 Jan 1970 00:00", "1 Jan 1970 00"};

static void
dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		size_t const len = strlen(good[i].text);
		char *s = exact(good[i].text, len);
		struct date date;

		print_message("%s\n", good[i].name);
		assert_true(date_parse(s, len, &date));
		assert_int_equal(date.seconds, good[i].seconds);
		assert_int_equal(date.zone_minutes, good[i].zone);
		assert_int_equal(date.zone_known, good[i].known);
		free(s);
	}
}

static void
no_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t const len = strlen(bad[i]);
		char *s = exact(bad[i], len);
		struct date date;

		print_message("%s\n", bad[i]);
		assert_false(date_parse(s, len, &date));
		free(s);
	}
}

static void
the_day_is_the_writers(void **state)
{
	struct date date;

	(void)state;
	assert_true(date_parse("1 Jan 1970 23:30 -0800", 22, &date));
	assert_int_equal(date_day(&date), 0);
	assert_true(date_parse("31 Dec 1969 00:30 +0100", 23, &date));
	assert_int_equal(date_day(&date), -1);
	assert_int_equal(date_day_of(2026, 11, 24), 20781);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test(no_dates),
		cmocka_unit_test(the_day_is_the_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
