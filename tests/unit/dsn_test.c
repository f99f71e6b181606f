/* dsn.c and queuebody.c: what a sender is told. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/queuebody.h"
#include "queue/dsn.h"

#define S(s) s, sizeof s - 1

static struct queuefile_recipient to[] = {
	{.address = "x@y.test",
		.address_len = 8,
		.state = QUEUEFILE_FAILED,
		.orcpt = "rfc822;X+2Bz@y.test",
		.orcpt_len = 19,
		.why = "mx.y.test[192.0.2.1] said: 550 5.1.1 no \x1b[2J\nsuch",
		.why_len = 49},
	{.address = "fine@y.test", .address_len = 11, .state = QUEUEFILE_DONE},
	{.address = "late@y.test",
		.address_len = 11,
		.state = QUEUEFILE_TODO,
		.why = "4.4.1 mx: no answer",
		.why_len = 19},
	{.address = "here@y.test",
		.address_len = 11,
		.state = QUEUEFILE_DELIVERED},
	{.address = "there@y.test",
		.address_len = 12,
		.state = QUEUEFILE_RELAYED,
		.why = "[192.0.2.1] said: 250 ok",
		.why_len = 24},
	{.address = "all@y.test",
		.address_len = 10,
		.state = QUEUEFILE_EXPANDED_TO},
};
static struct queuefile q = {.sender = "alice@a.test",
	.sender_len = 12,
	.envid = "QQ+2B1",
	.envid_len = 6,
	.recipients = to,
	.recipient_count = 6};

static char *
format(struct dsn d)
{
	stralloc sa = STRALLOC_ZERO;

	d.hostname = "mx.a.test";
	d.id = "0k3v9a2mj4xz7bqr";
	d.to = "alice@a.test";
	d.to_len = 12;
	d.now = 1795508000;
	d.q = &q;
	assert_true(dsn_head(&sa, &d) && stralloc_cats(&sa, "A: b\r\n") &&
		    dsn_end(&sa, &d));
	/* CRLF alone, no NUL. */
	for (size_t i = 0; i < sa.len; i++) {
		assert_true(sa.s[i] != '\0');
		assert_int_equal(sa.s[i] == '\n', i > 0 && sa.s[i - 1] == '\r');
	}
	assert_true(stralloc_0(&sa));
	return sa.s;
}

static void
tells_who_and_why(void **state)
{
	static char const *const wanted[] = {
		"Date: Tue, 24 Nov 2026 08:13:20 +0000\r\n",
		"From: Mail Delivery System <MAILER-DAEMON@mx.a.test>\r\n",
		"To: <alice@a.test>\r\nSubject: Undelivered mail",
		"Auto-Submitted: auto-replied\r\n",
		"<x@y.test>\r\n    mx.y.test[192.0.2.1] said: 550 5.1.1 no ?",
		"Reporting-MTA: dns; mx.a.test\r\n"
		"Original-Envelope-Id: QQ+1\r\nArrival-Date: ",
		"\r\n\r\nOriginal-Recipient: rfc822; X+z@y.test\r\n"
		"Final-Recipient: rfc822; x@y.test\r\nAction: failed\r\n"
		"Status: 5.1.1\r\nRemote-MTA: dns; mx.y.test\r\n"
		"Diagnostic-Code: smtp; 550 5.1.1 no ?[2J?such\r\n"
		"Last-Attempt-Date: ",
		"Final-Recipient: rfc822; here@y.test\r\nAction: delivered\r\n"
		"Status: 2.0.0\r\nLast-Attempt-Date: ",
		"Final-Recipient: rfc822; there@y.test\r\nAction: relayed\r\n"
		"Status: 2.0.0\r\nRemote-MTA: dns; [192.0.2.1]\r\n"
		"Diagnostic-Code: smtp; 250 ok\r\n",
		"all@y.test\r\nAction: expanded\r\n",
		"text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
		"A: b\r\n\r\n--=_0k3v9a2mj4xz7bqr--\r\n",
	};
	char *text = format((struct dsn){.is_late = false});

	(void)state;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (strstr(text, wanted[i]) == NULL)
			fail_msg("no %s in %s", wanted[i], text);
	assert_null(strstr(text, "fine@y.test"));
	assert_null(strstr(text, "late@y.test"));
	free(text);
}

static void
delay_is_told_where_it_is_wanted(void **state)
{
	char *text = format((struct dsn){
		.is_late = true, .retry_until = 1795508000 + 86400});

	(void)state;
	assert_non_null(strstr(text,
		"late@y.test\r\nAction: delayed\r\nStatus: 4.4.1\r\n"
		"Diagnostic-Code: x-kereru; 4.4.1 mx: no answer\r\n"
		"Last-Attempt-Date: Tue, 24 Nov 2026 08:13:20 +0000\r\n"
		"Will-Retry-Until: Wed, 25 Nov 2026 08:13:20 +0000\r\n"));
	free(text);
	to[2].notify = QUEUEFILE_NOTIFY_FAILURE;
	text = format((struct dsn){.is_late = true});
	assert_null(strstr(text, "late@y.test"));
	free(text);
	to[2].notify = QUEUEFILE_NOTIFY_DELAY;
	text = format((struct dsn){.is_late = true});
	assert_non_null(strstr(text, "late@y.test"));
	free(text);
	to[2].notify = 0;
}

static void
types_follow_the_original(void **state)
{
	char *text = format((struct dsn){.is_full = true, .is_8bit = true});

	(void)state;
	assert_non_null(strstr(text, "Type: message/rfc822\r\nContent-"
				     "Transfer-Encoding: 8bit\r\n\r\nA: b"));
	free(text);
	q.flags = QUEUEFILE_UTF8;
	text = format((struct dsn){.is_full = true});
	assert_non_null(strstr(text, "Type: message/global\r\n"));
	assert_non_null(strstr(text, "message/global-delivery-status"));
	assert_non_null(strstr(text, "Final-Recipient: utf-8; x@y.test"));
	free(text);
	text = format((struct dsn){.is_double = true});
	assert_non_null(strstr(text, "Type: message/global-headers\r\n"));
	assert_non_null(strstr(text, "Postmaster:"));
	free(text);
	q.flags = 0;
}

static void
status_codes(void **state)
{
	static char const *const cases[][2] = {
		{"550 5.1.1 no", "5.1.1"},
		{"5.7.26: policy", "5.7.26"},
		{"(#5.1.2)", "5.1.2"},
		{"mx 15.1.1 x", "5.0.0"},
		{"5.1.1.1 address", "5.0.0"},
		{"4.1.1", "5.0.0"},
		{"5.1234.1", "5.0.0"},
		{"5.1.", "5.0.0"},
		{"5.123.456", "5.123.456"},
		{"", "5.0.0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char status[DSN_STATUS_MAX + 1];
		dsn_status(cases[i][0], strlen(cases[i][0]), '5', status);
		assert_string_equal(status, cases[i][1]);
	}
}

static void
headers_end_at_the_empty_line(void **state)
{
	static struct {
		char const *text;
		size_t max;
		char const *want;
	} const cases[] = {
		{"A: b\r\nC: d\r\n\r\nbody\r\n", 100, "A: b\r\nC: d\r\n"},
		{"A: b\n\nbody\n", 100, "A: b\n"},
		{"\r\nbody", 100, ""},
		{"A: b\r\nC: dddd\r\n\r\n", 10, "A: b\r\n"},
		{"no end", 100, "no end"},
		{"no end of line", 5, ""},
		{"", 100, ""},
	};
	char path[] = "/tmp/bounce_test.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	unlink(path);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		stralloc sa = STRALLOC_ZERO;
		size_t len = strlen(cases[i].text);
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, cases[i].text, len, 3), len);
		assert_int_equal(
			queuebody_header(fd, 3, len, cases[i].max, &sa),
			QUEUEBODY_OK);
		assert_int_equal(sa.len, strlen(cases[i].want));
		assert_memory_equal(sa.s, cases[i].want, sa.len);
		sa.len = 0;
		assert_int_equal(queuebody_header(fd, 3, len + 1, 100, &sa),
			QUEUEBODY_SHORT);
		stralloc_free(&sa);
	}
	close(fd);
}

static void
loops_are_found(void **state)
{
	static struct {
		char const *header;
		bool want;
	} const cases[] = {
		{"Delivered-To: a@b\r\n", true},
		{"X: y\r\ndelivered-TO:\t A@B \r\nZ: z\r\n", true},
		{"Delivered-To: a@b", true},
		{"Delivered-To: a@bc\r\n", false},
		{"Delivered-To: xa@b\r\n", false},
		{"X-Delivered-To: a@b\r\n", false},
		{"Subject: Delivered-To: a@b\r\n", false},
		{"Delivered-To:\r\n", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].header);
		char *copy = malloc(len + (len == 0));
		memcpy(copy, cases[i].header, len);
		assert_int_equal(
			queuebody_was_delivered_to(copy, len, "a@b", 3),
			cases[i].want);
		free(copy);
	}
}

/* In the message's header, or in what was added behind it; not in its text. */
static void
loops_are_found_in_a_file(void **state)
{
	static char const message[] = "Delivered-To: a@b\r\n\r\n"
				      "Delivered-To: text@b\r\n",
			  added[] = "Delivered-To: c@d\r\n";
	struct queuebody b = {.message_offset = 2,
		.message_len = sizeof message - 1,
		.added_offset = 2 + sizeof message - 1,
		.added_len = sizeof added - 1};
	static struct {
		char const *address;
		bool want;
	} const cases[] = {{"a@b", true}, {"C@D", true}, {"e@f", false},
		{"text@b", false}};
	char path[] = "/tmp/bounce_test.XXXXXX";
	bool loops;

	(void)state;
	b.fd = mkstemp(path);
	unlink(path);
	assert_int_equal(dprintf(b.fd, "x\n%s%s", message, added),
		b.added_offset + b.added_len);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(queuebody_find_loop(&b, cases[i].address,
					 strlen(cases[i].address), &loops),
			QUEUEBODY_OK);
		assert_int_equal(loops, cases[i].want);
	}
	b.added_len++;
	assert_int_equal(
		queuebody_find_loop(&b, "a@b", 3, &loops), QUEUEBODY_SHORT);
	assert_false(loops);
	close(b.fd);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(tells_who_and_why),
		cmocka_unit_test(delay_is_told_where_it_is_wanted),
		cmocka_unit_test(types_follow_the_original),
		cmocka_unit_test(status_codes),
		cmocka_unit_test(headers_end_at_the_empty_line),
		cmocka_unit_test(loops_are_found),
		cmocka_unit_test(loops_are_found_in_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
