/* log.h: a line is one line, whatever stands in its values. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/log.h"

static int reader, saved;

static int
redirect(void **state)
{
	int ends[2];

	(void)state;
	saved = dup(2);
	if (saved < 0 || pipe(ends) < 0 || dup2(ends[1], 2) < 0)
		return -1;
	close(ends[1]);
	reader = ends[0];
	log_open("test");
	return 0;
}

static int
restore(void **state)
{
	(void)state;
	dup2(saved, 2);
	close(saved);
	close(reader);
	return 0;
}

/* The line without its pid, NUL-ended. */
static char const *
next_line(void)
{
	static char s[LOG_LINE_MAX + 1];
	ssize_t n = read(reader, s, LOG_LINE_MAX);
	char *pid, *end;

	assert_true(n > 0);
	s[n] = '\0';
	pid = strstr(s, " pid=");
	assert_non_null(pid);
	end = pid + 5 + strspn(pid + 5, "0123456789");
	memmove(pid, end, strlen(end) + 1);
	return s;
}

static void
values_are_written(void **state)
{
	(void)state;
	log_event("hello", "0123456789abcdef", "from", "a@b", "to", "",
		(char *)0);
	assert_string_equal(next_line(),
		"test event=hello id=0123456789abcdef from=a@b to=\"\"\n");
}

static void
foreign_octets_are_escaped(void **state)
{
	(void)state;
	log_event("x", NULL, "v", "a b\nevent=y\x1b[31m\"\\\xff", (char *)0);
	assert_string_equal(next_line(),
		"test event=x v=\"a b\\x0aevent=y\\x1b[31m\\\"\\\\\\xff\"\n");
}

static void
long_values_are_cut(void **state)
{
	struct log_line line;
	char big[LOG_LINE_MAX];

	(void)state;
	memset(big, '\n', sizeof big);
	log_begin(&line, "x", NULL);
	for (int i = 0; i < 20; i++)
		log_text(&line, "v", big, sizeof big);
	log_end(&line);
	assert_true(strlen(next_line()) <= LOG_LINE_MAX);
}

static void
full_pipe_blocks_nobody_and_is_told(void **state)
{
	char s[LOG_LINE_MAX];

	(void)state;
	for (int i = 0; i < 10000; i++)
		log_event("flood", NULL, "v", "0123456789", (char *)0);
	assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
	while (read(reader, s, sizeof s) > 0)
		;
	log_event("after", NULL, (char *)0);
	assert_non_null(strstr(next_line(), " dropped="));
	log_event("after", NULL, (char *)0);
	assert_null(strstr(next_line(), " dropped="));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test_setup_teardown(
			values_are_written, redirect, restore),
		cmocka_unit_test_setup_teardown(
			foreign_octets_are_escaped, redirect, restore),
		cmocka_unit_test_setup_teardown(
			long_values_are_cut, redirect, restore),
		cmocka_unit_test_setup_teardown(
			full_pipe_blocks_nobody_and_is_told, redirect, restore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
