/* race.c: who wins, and in which order they start. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "remote/race.h"

static struct mx_address
four(char const *text)
{
	struct mx_address a = {.len = 4};

	assert_int_equal(inet_pton(AF_INET, text, a.s), 1);
	return a;
}

static int
listen_on(char const *text, unsigned *port)
{
	struct mx_address a = four(text);
	struct sockaddr_storage at;
	socklen_t len = race_sockaddr(&at, &a, *port);
	struct sockaddr_in *in = (void *)&at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (void *)&at, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (void *)&at, &len), 0);
	*port = ntohs(in->sin_port);
	return fd;
}

static void
the_first_that_answers_wins(void **state)
{
	struct mx_address a[] = {
		four("127.0.0.2"), four("127.0.0.3"), four("127.0.0.4")};
	struct race_runner r[3] = {
		{.address = &a[0]}, {.address = &a[1]}, {.address = &a[2]}};
	unsigned port = 0;
	int fd = listen_on("127.0.0.3", &port);
	int winner = race_run(r, 3, port, 5000, -1);

	(void)state;
	assert_int_equal(winner, 1);
	assert_int_equal(r[0].error, ECONNREFUSED);
	assert_true(r[1].fd >= 0);
	assert_true(r[2].fd < 0 && r[2].error == 0);
	close(r[1].fd);
	close(fd);
	memset(r, 0, sizeof r);
	for (int i = 0; i < 3; i++)
		r[i].address = &a[i];
	assert_int_equal(race_run(r, 3, port, 5000, -1), -1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(r[i].error, ECONNREFUSED);
}

/* A backlog that is full drops what comes: nobody answers. */
static void
a_silent_one_has_a_head_start_and_no_more(void **state)
{
	struct mx_address a[] = {four("127.0.0.5"), four("127.0.0.6")};
	struct race_runner r[2] = {{.address = &a[0]}, {.address = &a[1]}};
	unsigned port = 0;
	int fd = listen_on("127.0.0.5", &port), other, full[8];
	struct sockaddr_storage to;
	socklen_t len = race_sockaddr(&to, &a[0], port);

	(void)state;
	assert_int_equal(listen(fd, 0), 0);
	for (int i = 0; i < 8; i++) {
		full[i] = socket(
			AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(full[i], (void *)&to, len);
	}
	other = listen_on("127.0.0.6", &port);
	assert_int_equal(race_run(r, 2, port, 20000, -1), 1);
	close(r[1].fd);
	for (int i = 0; i < 8; i++)
		close(full[i]);
	close(other);
	close(fd);
}

static void
who_is_gone_waits_for_nobody(void **state)
{
	struct mx_address a[] = {four("127.0.0.7"), four("127.0.0.8")};
	struct race_runner r[2] = {{.address = &a[0]}, {.address = &a[1]}};
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[1]);
	assert_int_equal(race_run(r, 2, 1, 20000, ends[0]), -1);
	close(ends[0]);
}

static void
families_alternate(void **state)
{
	static struct {
		char const *in, *want;
	} const cases[] = {{"666444", "646464"}, {"64", "64"},
		{"6644444", "6464444"}, {"46", "46"}, {"4", "4"},
		{"666", "666"}, {"6", "6"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mx_address a[8] = {{{0}, 0}};
		size_t n = strlen(cases[i].in);
		for (size_t k = 0; k < n; k++)
			a[k].len = cases[i].in[k] == '6' ? 16 : 4;
		race_mix(a, n);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(
				a[k].len, cases[i].want[k] == '6' ? 16 : 4);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(the_first_that_answers_wins),
		cmocka_unit_test(a_silent_one_has_a_head_start_and_no_more),
		cmocka_unit_test(who_is_gone_waits_for_nobody),
		cmocka_unit_test(families_alternate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
