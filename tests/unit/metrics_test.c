/* Counters that live in a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/admin/metrics.h"

#define TIME "2026-11-24 10:00:00.000000000  "

static struct metrics m;

static int
fresh(void **state)
{
	(void)state;
	memset(&m, 0, sizeof m);
	return 0;
}

static void
line(char const *service, char const *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len);

	memcpy(copy, text, len);
	metrics_line(&m, service, copy, len);
	free(copy);
}

static bool
prints(char const *wanted)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool found;

	metrics_print(&m, out);
	fclose(out);
	found = strstr(text, wanted) != NULL;
	if (!found)
		print_message("%s\n", text);
	free(text);
	return found;
}

static void
lines_are_counted(void **state)
{
	(void)state;
	line("smtp", TIME "smtpd event=connected pid=1 client=::1");
	line("submit", TIME "smtpd event=connected pid=1 client=::1 mailbox=a");
	line("smtp", TIME "smtpd event=refused pid=1 reply=\"550 5.1.1 no\"");
	line("smtp", TIME "smtpd event=refused pid=1 reply=\"451 try\"");
	line("auth", TIME "auth event=login-failed pid=1 service=imap");
	line("queue", TIME "manager event=delivered pid=1 via=example.org "
			   "delay=61.5");
	line("queue", TIME "manager event=deferred pid=1 why=x");
	line("queue", TIME "local event=delivered pid=1");
	line("queue", "nonsense");
	assert_true(prints("\nkereru_connections_total{service=\"smtp\"} 1\n"
			   "# HELP"));
	assert_true(prints("{service=\"smtp\",reply=\"451\"} 1\n"
			   "kereru_refused_total{service=\"smtp\",reply=\"550 "
			   "5.1.1\"} 1\n"));
	assert_true(
		prints("kereru_login_failures_total{service=\"imap\"} 1\n"));
	assert_true(prints("{where=\"nowhere\",result=\"deferred\"} 1\n"
			   "kereru_deliveries_total{where=\"remote\",result="
			   "\"delivered\"} 1\n"));
	assert_true(prints("bucket{le=\"60\"} 0\n"
			   "kereru_delivery_seconds_bucket{le=\"300\"} 1\n"));
	assert_true(prints("kereru_delivery_seconds_sum 61.500\n"
			   "kereru_delivery_seconds_count 1\n"));
}

static void
labels_can_not_break_the_format(void **state)
{
	(void)state;
	metrics_add(&m, METRIC_SUSPICIOUS, "a\"b\\c\nd\x80", NULL, 1);
	assert_true(prints("{reason=\"a?b?c?d?\"} 1\n"));
}

static void
too_many_labels_are_others(void **state)
{
	char reply[16];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(reply, sizeof reply, "%u", i);
		metrics_add(&m, METRIC_REFUSED, "smtp", reply, 1);
	}
	assert_true(m.used <= METRICS_MAX + METRICS);
	assert_true(prints("{service=\"other\",reply=\"other\"} 4488\n"));
}

static void
what_is_saved_is_loaded(void **state)
{
	static struct metrics again;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	metrics_add(&m, METRIC_REFUSED, "smtp", "550 5.1.1", 7);
	metrics_delay(&m, 100);
	*metrics_log(&m, "smtp") = (struct metrics_log){"smtp", 5, 1234567};
	metrics_save(&m, out);
	fclose(out);
	assert_true(metrics_load(&again, text, len));
	assert_int_equal(again.used, m.used);
	assert_int_equal(metrics_log(&again, "smtp")->offset, 1234567);
	m = again;
	assert_true(prints("reply=\"550 5.1.1\"} 7\n"));
	/* A file that is torn anywhere is none. */
	for (size_t cut = 0; cut < len; cut++)
		assert_false(metrics_load(&again, text, cut) && cut < len);
	assert_int_equal(again.used, 0);
	free(text);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test_setup(lines_are_counted, fresh),
		cmocka_unit_test_setup(labels_can_not_break_the_format, fresh),
		cmocka_unit_test_setup(too_many_labels_are_others, fresh),
		cmocka_unit_test_setup(what_is_saved_is_loaded, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
