/* smtpd/checking.h */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/pair.h"
#include "common/wire.h"
#include "smtpd/checking.h"
#include "tests/unit/exact.h"

#define B(text)                                                                \
	{                                                                      \
		text, sizeof text - 1                                          \
	}

static struct checking_message const sample = {
	.client = B("192.0.2.1"),
	.name = B("mx.example.org"),
	.helo = B("mx.example.org"),
	.tls = B("TLSv1.2 ECDHE"),
	.mailbox = B(""),
	.sender = B("a@example.org"),
	.id = B("0123456789abcdef"),
	.message_offset = 400,
	.message_len = 1000,
	.added_offset = 1400,
	.added_len = 0,
	.flags = 3,
	.messages = 12,
	.is_early = true,
};

static void
message_round_trip(void **state)
{
	char s[2048], *frame;
	struct checking_message got;
	size_t len = checking_message_encode(s, sizeof s, &sample);

	(void)state;
	assert_true(len > 0);
	frame = exact(s, len);
	assert_true(checking_message_decode(frame, len, &got));
	assert_int_equal(got.sender.len, sample.sender.len);
	assert_memory_equal(got.sender.s, sample.sender.s, got.sender.len);
	assert_int_equal(got.message_len, 1000);
	assert_int_equal(got.flags, 3);
	assert_int_equal(got.messages, 12);
	assert_true(got.is_early);
	free(frame);
	for (size_t cut = 0; cut < len; cut++) {
		frame = exact(s, cut);
		assert_false(checking_message_decode(frame, cut, &got));
		free(frame);
	}
}

static void
message_refused(void **state)
{
	char s[2048];
	struct checking_message m = sample;

	(void)state;
	m.sender = (struct checking_bytes)B("a\r\nb@example.org");
	assert_int_equal(checking_message_encode(s, sizeof s, &m), 0);
	m = sample;
	m.message_offset = UINT64_MAX;
	assert_int_equal(checking_message_encode(s, sizeof s, &m), 0);
	m = sample;
	m.added_offset = INT64_MAX;
	m.added_len = 1;
	assert_int_equal(checking_message_encode(s, sizeof s, &m), 0);
}

static void
recipients_in_frames(void **state)
{
	stralloc to = STRALLOC_ZERO, got = STRALLOC_ZERO;
	char s[WIRE_FRAME_MAX];
	size_t used, count = 0, frames = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char one[200];
		memset(one, 'x', sizeof one);
		one[sizeof one - 1] = '\0';
		assert_true(stralloc_catb(&to, one, sizeof one));
	}
	for (size_t at = 0; at < to.len; at += used) {
		size_t len = checking_recipients_encode(
			s, sizeof s, to.s + at, to.len - at, &used);
		assert_true(len > 0);
		assert_true(checking_recipients_decode(s, len, &got, &count));
		frames++;
	}
	assert_int_equal(count, 1000);
	assert_true(frames > 1);
	assert_int_equal(got.len, to.len);
	assert_memory_equal(got.s, to.s, got.len);
	/* One more is too many. */
	size_t len = checking_recipients_encode(s, sizeof s, "a", 2, &used);
	assert_true(len > 0);
	assert_false(checking_recipients_decode(s, len, &got, &count));
	stralloc_free(&to);
	stralloc_free(&got);
}

static void
verdicts(void **state)
{
	static struct {
		struct checking_verdict v;
		bool good;
	} const cases[] = {
		{{CHECKING_ACCEPT, 250, B(""), false, false, 0}, true},
		{{CHECKING_ACCEPT, 250, B(""), true, true, 12}, true},
		{{CHECKING_REJECT, 550, B("5.7.1 no"), false, false, 0}, true},
		{{CHECKING_TEMPFAIL, 451, B("4.7.1 no"), false, false, 0},
			true},
		{{CHECKING_DISCARD, 250, B(""), false, false, 0}, true},
		{{CHECKING_REJECT, 450, B("5.7.1 no"), false, false, 0}, false},
		{{CHECKING_TEMPFAIL, 550, B(""), false, false, 0}, false},
		{{CHECKING_REJECT, 550, B("5.7.1 no\r\n"), false, false, 0},
			false},
		{{CHECKING_REJECT, 550, B("5.7.1 \xc3\xa9"), false, false, 0},
			false},
		{{CHECKING_ACCEPT, 250, B(""), false, false, 12}, false},
		{{CHECKING_REJECT, 550, B(""), false, true, 12}, false},
		{{CHECKING_ACCEPT, 250, B(""), false, true, UINT64_MAX}, false},
	};
	char s[1024];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct checking_verdict got;
		size_t len = checking_verdict_encode(s, sizeof s, &cases[i].v);
		assert_int_equal(len > 0, cases[i].good);
		if (len == 0)
			continue;
		char *frame = exact(s, len);
		assert_true(checking_verdict_decode(frame, len, &got));
		assert_int_equal(got.action, cases[i].v.action);
		assert_int_equal(got.code, cases[i].v.code);
		assert_int_equal(got.is_junk, cases[i].v.is_junk);
		free(frame);
	}
}

static void
header_lines(void **state)
{
	static struct {
		char const *s;
		bool good;
	} const cases[] = {
		{"X-Spam: yes\r\n", true},
		{"X-Spam: yes\r\n\tmore\r\nY: \r\n", true},
		{"", false},
		{"X-Spam: yes", false},
		{"X-Spam: yes\n", false},
		{"X-Spam: yes\r\n\r\n", false},
		{"X-Spam: a\rb\r\n", false},
		{"X-Spam: a\nb\r\n", false},
		{" X-Spam: yes\r\n", false},
		{"no colon\r\n", false},
		{": no name\r\n", false},
	};
	char s[1024];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct checking_bytes got;
		char *lines = exact(cases[i].s, strlen(cases[i].s));
		size_t len = checking_lines_encode(
			s, sizeof s, lines, strlen(cases[i].s));
		assert_int_equal(len > 0, cases[i].good);
		free(lines);
		if (len == 0)
			continue;
		char *frame = exact(s, len);
		assert_true(checking_lines_decode(frame, len, &got));
		assert_int_equal(got.len, strlen(cases[i].s));
		free(frame);
	}
}

/* Plays check on the other end: answers frames, closes. */
static void
answer(int fd, struct checking_verdict const *v, int replacement,
	char const *lines, bool has_end)
{
	char s[WIRE_FRAME_MAX];
	int file;
	size_t count, len;
	ssize_t got = pair_receive(fd, s, sizeof s, &file, 1, &count);
	struct checking_message m;

	if (got <= 0 || count != 1 ||
		!checking_message_decode(s, (size_t)got, &m))
		_exit(1);
	for (;;) {
		got = pair_receive(fd, s, sizeof s, NULL, 0, NULL);
		if (got <= 0)
			_exit(2);
		if (checking_is_end(s, (size_t)got))
			break;
	}
	if (v != NULL) {
		len = checking_verdict_encode(s, sizeof s, v);
		if (!pair_send(
			    fd, s, len, &replacement, replacement >= 0 ? 1 : 0))
			_exit(3);
	}
	if (lines != NULL) {
		len = checking_lines_encode(s, sizeof s, lines, strlen(lines));
		if (!pair_send(fd, s, len, NULL, 0))
			_exit(4);
	}
	if (has_end && !pair_send(fd, "e", 1, NULL, 0))
		_exit(5);
	_exit(0);
}

static bool
play(struct checking_verdict const *v, int replacement, char const *lines,
	bool has_end, struct checking_answer *a)
{
	int ends[2], file = memfd_create("message", MFD_CLOEXEC), status;
	pid_t pid;
	bool ok;

	assert_true(pair_make(ends, false));
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		answer(ends[1], v, replacement, lines, has_end);
	}
	close(ends[1]);
	ok = checking_ask(ends[0], file, &sample, "a@b\0c@d", 8, 20000, a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(file);
	return ok;
}

static void
asked_and_answered(void **state)
{
	struct checking_verdict v = {.action = CHECKING_ACCEPT,
		.code = 250,
		.is_junk = true,
		.is_replaced = true,
		.replacement_len = 3};
	struct checking_answer a = CHECKING_ANSWER_ZERO;
	int memfd = memfd_create("new", MFD_CLOEXEC);

	(void)state;
	assert_true(play(&v, memfd, "X-Spam: yes\r\n", true, &a));
	assert_int_equal(a.action, CHECKING_ACCEPT);
	assert_true(a.is_junk);
	assert_true(a.replacement_fd >= 0);
	assert_int_equal(a.replacement_len, 3);
	assert_int_equal(a.lines.len, 13);
	checking_answer_free(&a);
	checking_answer_free(&a);

	v = (struct checking_verdict){.action = CHECKING_REJECT,
		.code = 550,
		.text = B("5.7.1 spam")};
	assert_true(play(&v, -1, NULL, true, &a));
	assert_int_equal(a.action, CHECKING_REJECT);
	assert_int_equal(a.replacement_fd, -1);
	assert_string_equal(a.text, "5.7.1 spam");
	checking_answer_free(&a);
	close(memfd);
}

static void
no_verdict(void **state)
{
	struct checking_verdict v = {.action = CHECKING_ACCEPT, .code = 250};
	struct checking_answer a = CHECKING_ANSWER_ZERO;
	int memfd = memfd_create("new", MFD_CLOEXEC);

	(void)state;
	/* It died before, or in the middle. */
	assert_false(play(NULL, -1, NULL, false, &a));
	assert_false(play(&v, -1, NULL, false, &a));
	assert_false(play(&v, -1, "X: y\r\n", false, &a));
	/* A descriptor that the verdict doesn't speak of, and none where it
	 * does. */
	assert_false(play(&v, memfd, NULL, true, &a));
	v.is_replaced = true;
	assert_false(play(&v, -1, NULL, true, &a));
	assert_int_equal(a.replacement_fd, -1);
	close(memfd);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(message_round_trip),
		cmocka_unit_test(message_refused),
		cmocka_unit_test(recipients_in_frames),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(header_lines),
		cmocka_unit_test(asked_and_answered),
		cmocka_unit_test(no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
