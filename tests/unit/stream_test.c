/* common/stream.h over socketpairs and pipes */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "common/stream.h"

static struct stream s;
static int peer;

static void
open_pair(int timeout_ms)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	stream_init(&s, ends[0], ends[0], timeout_ms);
	peer = ends[1];
}

static void
close_pair(void)
{
	close(s.in_fd);
	if (peer >= 0)
		close(peer);
}

static void
say(char const *text)
{
	size_t len = strlen(text);

	assert_int_equal(write(peer, text, len), (ssize_t)len);
}

static void
hear(char const *text)
{
	static char got[65536];
	size_t len = strlen(text), at = 0;

	while (at < len) {
		ssize_t r = read(peer, got + at, len - at);
		assert_true(r > 0);
		at += (size_t)r;
	}
	assert_memory_equal(got, text, len);
}

static void
want_line(char const *text, bool wanted_crlf)
{
	char const *line;
	size_t len;
	bool crlf;

	assert_int_equal(stream_line(&s, 100, &line, &len, &crlf), 1);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(line, text, len);
	assert_int_equal(crlf, wanted_crlf);
}

static void
lines_with_either_end(void **state)
{
	char const *line;
	size_t len;

	(void)state;
	open_pair(1000);
	say("one\r\ntwo\n\r\n\nfi\rve\r\r\nunfinished");
	want_line("one", true);
	want_line("two", false);
	want_line("", true);
	want_line("", false);
	want_line("fi\rve\r", true);
	assert_int_equal(stream_pending(&s), 10);
	close(peer);
	peer = -1;
	assert_int_equal(stream_line(&s, 100, &line, &len, NULL), 0);
	assert_true(s.at_end);
	assert_int_equal(s.error, 0);
	close_pair();
}

static void
long_line_is_told_then_skipped(void **state)
{
	static char big[20000];
	char const *line;
	size_t len;

	(void)state;
	open_pair(1000);
	memset(big, 'x', sizeof big);
	assert_int_equal(write(peer, big, sizeof big), sizeof big);
	say("\r\nnext\r\n");
	assert_int_equal(stream_line(&s, 100, &line, &len, NULL), -1);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(s.error, 0);
	assert_int_equal(stream_line(&s, 100, &line, &len, NULL), -1);
	assert_int_equal(stream_skip_line(&s), 1);
	want_line("next", true);
	close_pair();
}

static void
line_of_exactly_max(void **state)
{
	char const *line;
	size_t len;

	(void)state;
	open_pair(1000);
	say("12345\r\n123456\r\n12345\n");
	assert_int_equal(stream_line(&s, 5, &line, &len, NULL), 1);
	assert_int_equal(len, 5);
	assert_int_equal(stream_line(&s, 5, &line, &len, NULL), -1);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(stream_skip_line(&s), 1);
	assert_int_equal(stream_line(&s, 5, &line, &len, NULL), 1);
	close_pair();
}

static void
line_as_long_as_the_buffer(void **state)
{
	static char big[STREAM_IN + 10];
	char const *line;
	size_t len;

	(void)state;
	open_pair(1000);
	memset(big, 'x', STREAM_IN - 2);
	memcpy(big + STREAM_IN - 2, "\r\n", 2);
	say(big);
	assert_int_equal(stream_line(&s, STREAM_IN - 2, &line, &len, NULL), 1);
	assert_int_equal(len, STREAM_IN - 2);
	memset(big, 'x', STREAM_IN + 5);
	say(big);
	assert_int_equal(stream_line(&s, STREAM_IN - 2, &line, &len, NULL), -1);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(stream_fill(&s), -1);
	assert_int_equal(errno, ENOBUFS);
	close_pair();
}

/* One octet each 50 ms does not renew the limit of a line. */
static void
slow_line_times_out(void **state)
{
	char const *line;
	size_t len;
	int64_t began = stream_clock_ms();
	pid_t pid;

	(void)state;
	open_pair(300);
	pid = fork();
	if (pid == 0)
		for (;;) {
			usleep(50000);
			if (write(peer, "x", 1) != 1)
				_exit(0);
		}
	assert_int_equal(stream_line(&s, 100, &line, &len, NULL), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_in_range(stream_clock_ms() - began, 290, 10000);
	assert_int_equal(s.error, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	stream_puts(&s, "421 bye\r\n");
	assert_true(stream_flush(&s));
	hear("421 bye\r\n");
	close_pair();
}

static void
output_waits_for_pipelined_input(void **state)
{
	char none[8];

	(void)state;
	open_pair(1000);
	say("a\r\nb\r\n");
	want_line("a", true);
	stream_puts(&s, "A\r\n");
	want_line("b", true);
	stream_puts(&s, "B\r\n");
	assert_int_equal(recv(peer, none, sizeof none, MSG_DONTWAIT), -1);
	say("c\r\n");
	want_line("c", true);
	assert_int_equal(recv(peer, none, sizeof none, MSG_DONTWAIT), -1);
	s.timeout_ms = 20;
	assert_int_equal(stream_fill(&s), -1);
	hear("A\r\nB\r\n");
	close_pair();
}

static void
big_output_arrives_whole(void **state)
{
	static char big[300000];
	pid_t pid;

	(void)state;
	open_pair(5000);
	for (size_t i = 0; i < sizeof big - 1; i++)
		big[i] = (char)('a' + i % 26);
	pid = fork();
	if (pid == 0) {
		size_t at = 0;
		char got[1000];
		while (at < sizeof big - 1) {
			ssize_t r = read(peer, got, sizeof got);
			if (r <= 0 || memcmp(got, big + at, (size_t)r) != 0)
				_exit(1);
			at += (size_t)r;
		}
		_exit(0);
	}
	for (size_t at = 0, n = 1; at < sizeof big - 1; at += n, n += 777) {
		if (n > sizeof big - 1 - at)
			n = sizeof big - 1 - at;
		assert_true(stream_write(&s, big + at, n));
	}
	assert_true(stream_flush(&s));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close_pair();
}

static void
deaf_peer_times_out(void **state)
{
	static char big[1000000];

	(void)state;
	open_pair(100);
	assert_false(stream_write(&s, big, sizeof big));
	assert_int_equal(s.error, ETIMEDOUT);
	assert_false(stream_puts(&s, "x"));
	assert_int_equal(errno, ETIMEDOUT);
	close_pair();
}

static void
gone_peer_is_an_error_not_a_signal(void **state)
{
	(void)state;
	open_pair(100);
	close(peer);
	peer = -1;
	stream_puts(&s, "x");
	assert_false(stream_flush(&s));
	assert_int_equal(s.error, EPIPE);
	close_pair();
}

static int volatile stop;

static void
on_alarm(int signo)
{
	(void)signo;
	stop = 1;
}

static void
stop_ends_the_wait(void **state)
{
	sigset_t set;
	int64_t began = stream_clock_ms();

	(void)state;
	open_pair(5000);
	signal(SIGALRM, on_alarm);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s.stop = &stop;
	ualarm(50000, 0);
	assert_int_equal(stream_fill(&s), -1);
	assert_int_equal(errno, ECANCELED);
	assert_true(stream_clock_ms() - began < 4500);
	assert_int_equal(s.error, 0);
	say("late\r\n");
	assert_int_equal(stream_fill(&s), -1);
	stream_puts(&s, "bye\r\n");
	assert_true(stream_flush(&s));
	hear("bye\r\n");
	close_pair();
}

static void
close_waits_for_the_peer(void **state)
{
	int64_t began = stream_clock_ms();

	(void)state;
	open_pair(1000);
	stream_puts(&s, "last\r\n");
	if (fork() == 0) {
		close(s.in_fd);
		usleep(200000);
		_exit(0);
	}
	close(peer);
	peer = -1;
	stream_close(&s);
	assert_in_range(stream_clock_ms() - began, 150, 1900);
	wait(NULL);
	close_pair();
}

static void
close_gives_up_after_two_seconds(void **state)
{
	int64_t began = stream_clock_ms();

	(void)state;
	open_pair(1000);
	stream_close(&s);
	assert_in_range(stream_clock_ms() - began, 1900, 10000);
	close_pair();
}

static void
pipes_work_alike(void **state)
{
	int in[2], out[2];
	char got[4];

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	stream_init(&s, in[0], out[1], 1000);
	assert_int_equal(write(in[1], "x\r\n", 3), 3);
	want_line("x", true);
	stream_puts(&s, "yes\n");
	stream_close(&s);
	assert_int_equal(read(out[0], got, 4), 4);
	assert_memory_equal(got, "yes\n", 4);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(lines_with_either_end),
		cmocka_unit_test(long_line_is_told_then_skipped),
		cmocka_unit_test(line_of_exactly_max),
		cmocka_unit_test(line_as_long_as_the_buffer),
		cmocka_unit_test(slow_line_times_out),
		cmocka_unit_test(output_waits_for_pipelined_input),
		cmocka_unit_test(big_output_arrives_whole),
		cmocka_unit_test(deaf_peer_times_out),
		cmocka_unit_test(gone_peer_is_an_error_not_a_signal),
		cmocka_unit_test(stop_ends_the_wait),
		cmocka_unit_test(close_waits_for_the_peer),
		cmocka_unit_test(close_gives_up_after_two_seconds),
		cmocka_unit_test(pipes_work_alike),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
