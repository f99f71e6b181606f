/* common/logline: reading what log.h wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "common/logline.h"

#define TIME "2026-11-24 15:08:08.350551466"

static struct logline
parse(char const *s)
{
	struct logline l;

	assert_true(logline_parse(s, strlen(s), &l));
	return l;
}

static void
a_line_is_taken_apart(void **state)
{
	struct logline l =
		parse(TIME "  smtpd event=accepted pid=12 from=\"a b\" to=c "
			   "to=\"\" x=\"q\\\"\\\\\\x0a\" e=f=g");
	static char const *const keys[] = {"pid", "from", "to", "to", "x", "e"};
	static char const *const values[] = {
		"12", "a b", "c", "", "q\"\\\n", "f=g"};
	struct logline_pair p;
	char value[20];
	size_t pos = 0;

	(void)state;
	assert_memory_equal(l.time, TIME, LOGLINE_TIME_LEN);
	assert_int_equal(l.program_len, 5);
	assert_memory_equal(l.program, "smtpd", 5);
	assert_true(logline_event_is(&l, "accepted"));
	assert_false(logline_event_is(&l, "accept"));
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		assert_true(logline_next(&l, &pos, &p));
		assert_int_equal(p.key_len, strlen(keys[i]));
		assert_memory_equal(p.key, keys[i], p.key_len);
		assert_int_equal(logline_value(&p, value, sizeof value),
			strlen(values[i]));
		assert_string_equal(value, values[i]);
		assert_true(logline_has(&p, values[i], strlen(values[i])));
		assert_false(logline_has(&p, "zz", 2));
	}
	assert_false(logline_next(&l, &pos, &p));
	assert_true(logline_find(&l, "from", &p));
	assert_true(logline_has(&p, "A B", 3));
	assert_int_equal(logline_value(&p, value, 2), 1);
	assert_false(logline_find(&l, "fro", &p));
}

static void
other_lines_are_refused(void **state)
{
	static char const *const lines[] = {"", "smtpd event=a", TIME, TIME " ",
		TIME "  smtpd", TIME "  smtpd event=", TIME "  smtpd not=event",
		"2026-11-24T15:08:08.350551466 a event=b",
		"x" TIME "  smtpd event=a"};
	struct logline l;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_false(logline_parse(lines[i], strlen(lines[i]), &l));
}

static void
torn_values_end_with_the_line(void **state)
{
	static char const *const lines[] = {"a=\"b", "a=\"b\\", "a=\"b\\x",
		"a=\"b\\x0", "a=", "a", "a=\"", "=", " ", "a=b =c"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		size_t const head = LOGLINE_TIME_LEN + 10;
		size_t const len = head + strlen(lines[i]);
		char *s = malloc(len);
		struct logline_pair p;
		struct logline l;
		char value[50];
		size_t pos = 0, count = 0;

		assert_non_null(s);
		memcpy(s, TIME "  p event=", head);
		memcpy(s + head, lines[i], len - head);
		if (logline_parse(s, len, &l))
			while (logline_next(&l, &pos, &p)) {
				(void)logline_value(&p, value, sizeof value);
				assert_true(++count < 10);
			}
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(a_line_is_taken_apart),
		cmocka_unit_test(other_lines_are_refused),
		cmocka_unit_test(torn_values_end_with_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
