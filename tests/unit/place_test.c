/* place.h, between processes. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "remote/place.h"

#define LIMIT 3

static struct mx_address const here = {.len = 4, .s = {127, 0, 0, 1}};
static struct mx_address const there = {.len = 4, .s = {127, 0, 0, 2}};

/* A process that has a place, or none, and keeps it until it is killed. */
static pid_t
start(struct places *p, struct mx_address const *to, unsigned port, bool waits,
	bool *took_r)
{
	int ends[2];
	char took;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		/* A failed test must not leave it behind. */
		alarm(30);
		p->mine = -1;
		took = places_take(p, to, port);
		if (waits)
			places_want(p, to, port);
		(void)!write(ends[1], &took, 1);
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(read(ends[0], &took, 1), 1);
	close(ends[0]);
	close(ends[1]);
	*took_r = took;
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
so_many_and_no_more(void **state)
{
	struct places p;
	pid_t pids[LIMIT];
	bool took;

	(void)state;
	assert_true(places_open(&p, LIMIT, -1));
	for (int i = 0; i < LIMIT; i++) {
		pids[i] = start(&p, &here, 25, false, &took);
		assert_true(took);
	}
	assert_false(places_take(&p, &here, 25));
	/* Another port, and another address, are others. */
	assert_true(places_take(&p, &here, 26));
	assert_true(places_take(&p, &there, 25));
	/* The place of who dies is free. */
	end(pids[1]);
	assert_true(places_take(&p, &here, 25));
	assert_true(places_take(&p, &here, 25));
	end(start(&p, &here, 25, false, &took));
	assert_false(took);
	places_leave(&p);
	end(start(&p, &here, 25, false, &took));
	assert_true(took);
	end(pids[0]);
	end(pids[2]);
	close(p.fd);
}

static void
who_waits_is_seen(void **state)
{
	struct places p;
	pid_t pid;
	bool took;

	(void)state;
	assert_true(places_open(&p, 1, -1));
	assert_false(places_are_wanted(&p));
	assert_true(places_take(&p, &here, 25));
	assert_false(places_are_wanted(&p));
	end(start(&p, &there, 25, true, &took));
	assert_false(places_are_wanted(&p));
	pid = start(&p, &here, 25, true, &took);
	assert_false(took);
	assert_true(places_are_wanted(&p));
	end(pid);
	assert_false(places_are_wanted(&p));
	close(p.fd);
}

static void
without_a_file_there_is_no_limit(void **state)
{
	struct places p = {.fd = -1, .limit = 1, .mine = -1, .wanted = -1};

	(void)state;
	assert_true(places_take(&p, &here, 25));
	places_want(&p, &here, 25);
	assert_false(places_are_wanted(&p));
	places_leave(&p);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(so_many_and_no_more),
		cmocka_unit_test(who_waits_is_seen),
		cmocka_unit_test(without_a_file_there_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
