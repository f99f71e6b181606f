/* bounce.c and queuebody.c: what a sender is told. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/queuebody.h"
#include "queue/bounce.h"

#define S(s) s, sizeof s - 1

static struct queuefile_recipient to[] = {
	{.address = "x@y.test",
		.address_len = 8,
		.state = QUEUEFILE_FAILED,
		.why = "mx said: 550 5.1.1 no \x1b[2J\nsuch",
		.why_len = 31},
	{.address = "fine@y.test", .address_len = 11, .state = QUEUEFILE_DONE},
};
static struct queuefile q = {.sender = "alice@a.test",
	.sender_len = 12,
	.recipients = to,
	.recipient_count = 2};

static char *
format(char const *header, size_t header_len)
{
	struct bounce b = {.hostname = "mx.a.test",
		.id = "0k3v9a2mj4xz7bqr",
		.now = 1795508000,
		.arrived = 0,
		.q = &q,
		.header = header,
		.header_len = header_len};
	stralloc sa = STRALLOC_ZERO;
	char *copy = malloc(header_len + 1);

	memcpy(copy, header, header_len);
	b.header = copy;
	assert_true(bounce_format(&sa, &b));
	free(copy);
	/* CRLF alone, no NUL, no line over 998 octets of ours. */
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
		"To: <alice@a.test>\r\n",
		"Auto-Submitted: auto-replied\r\n",
		"<x@y.test>\r\n    mx said: 550 5.1.1 no ?[2J?such\r\n",
		"Final-Recipient: rfc822; x@y.test\r\nAction: failed\r\n"
		"Status: 5.1.1\r\n",
		"text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
		"Subject: hi\r\nX: y\r\n\r\n--=_0k3v9a2mj4xz7bqr--\r\n",
	};
	char *text = format(S("Subject: hi\r\nX: y\r\n"));

	(void)state;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (strstr(text, wanted[i]) == NULL)
			fail_msg("no %s in %s", wanted[i], text);
	assert_null(strstr(text, "fine@y.test"));
	free(text);
}

static void
foreign_headers_do_no_harm(void **state)
{
	char *text = format(S("A: b\nbare\r \0 cr\xe4"));

	(void)state;
	assert_non_null(strstr(text, "Encoding: 8bit"));
	assert_non_null(strstr(text, "A: b\r\nbare  cr\xe4\r\n\r\n--=_"));
	free(text);
	text = format(S(""));
	assert_non_null(strstr(text, "--=_0k3v9a2mj4xz7bqr--\r\n"));
	free(text);
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
		char status[BOUNCE_STATUS_MAX + 1];
		bounce_status(cases[i][0], strlen(cases[i][0]), status);
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
		cmocka_unit_test(foreign_headers_do_no_harm),
		cmocka_unit_test(status_codes),
		cmocka_unit_test(headers_end_at_the_empty_line),
		cmocka_unit_test(loops_are_found),
		cmocka_unit_test(loops_are_found_in_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
