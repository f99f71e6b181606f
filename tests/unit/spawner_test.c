/* spawner.h, with a starter and a manager in the test: the loop runs in a child
 * process, and its own children answer what they were told. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/pair.h"
#include "common/spawner.h"

static int control, manager;
static pid_t loop;

static enum job_opened
admit(void *data, char const *name, size_t len)
{
	(void)data;
	if (len == 7 && memcmp(name, "unknown", len) == 0)
		return JOB_UNKNOWN;
	return JOB_OPENED;
}

static unsigned
open_above_2(void)
{
	unsigned n = 0;

	for (int fd = 3; fd < 256; fd++)
		n += dup2(fd, fd) == fd;
	return n;
}

/* Tells its name and how many descriptors it has, then echoes until the end. */
static int
run(void *data, char const *name, size_t len, int channel_fd)
{
	char s[JOB_ADDRESS_MAX + 1];
	sigset_t mask;
	ssize_t r;

	(void)data;
	if (len == 5 && memcmp(name, "crash", len) == 0)
		raise(SIGKILL);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	memcpy(s, name, len);
	s[len] = (char)(sigismember(&mask, SIGCHLD) ? 99 : open_above_2());
	if (!pair_send(channel_fd, s, len + 1, NULL, 0))
		return 1;
	while ((r = pair_receive(channel_fd, s, sizeof s, NULL, 0, NULL)) > 0)
		if (!pair_send(channel_fd, s, (size_t)r, NULL, 0))
			return 1;
	return 0;
}

static void
give_manager(void)
{
	int ends[2];

	assert_true(pair_make(ends, false));
	assert_true(pair_send(control, "m", 1, &ends[1], 1));
	close(ends[1]);
	manager = ends[0];
}

static int
set_up(void **state)
{
	static struct spawner const s = {
		.admit = admit, .run = run, .children_max = 3};
	int ends[2];

	(void)state;
	assert_true(pair_make(ends, false));
	loop = fork();
	if (loop == 0) {
		close(ends[0]);
		_exit(spawner_loop(&s, ends[1]));
	}
	close(ends[1]);
	control = ends[0];
	give_manager();
	return 0;
}

static int
take_down(void **state)
{
	int status;

	(void)state;
	close(control);
	close(manager);
	assert_int_equal(waitpid(loop, &status, 0), loop);
	assert_int_equal(status, 0);
	return 0;
}

static enum job_opened
ask(char const *name, int *channel_r)
{
	static uint32_t number;
	struct job_open open = {++number, name, strlen(name)};
	enum job_opened answer;
	char frame[400];
	uint32_t got;
	size_t count;
	ssize_t r;

	assert_true(pair_send(manager, frame,
		job_open_encode(frame, sizeof frame, &open), NULL, 0));
	r = pair_receive(manager, frame, sizeof frame, channel_r, 1, &count);
	assert_true(r > 0);
	assert_true(job_opened_decode(frame, (size_t)r, &got, &answer));
	assert_int_equal(got, number);
	assert_int_equal(count, answer == JOB_OPENED);
	return answer;
}

static size_t
receive(int fd, char *s, size_t max)
{
	ssize_t r = pair_receive(fd, s, max, NULL, 0, NULL);

	assert_true(r >= 0);
	return (size_t)r;
}

static void
child_serves_its_channel_alone(void **state)
{
	char s[400];
	int channel;

	(void)state;
	assert_int_equal(ask("a@example.org", &channel), JOB_OPENED);
	assert_int_equal(receive(channel, s, sizeof s), 14);
	assert_memory_equal(s, "a@example.org", 13);
	/* Its channel is all that it has. */
	assert_int_equal(s[13], 1);
	assert_true(pair_send(channel, "job", 3, NULL, 0));
	assert_int_equal(receive(channel, s, sizeof s), 3);
	close(channel);
	assert_int_equal(ask("unknown", &channel), JOB_UNKNOWN);
}

static void
children_are_limited(void **state)
{
	int channels[4];
	char s[400];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask("x", &channels[i]), JOB_OPENED);
	assert_int_equal(ask("x", &channels[3]), JOB_LATER);
	close(channels[0]);
	for (int tries = 0; ask("x", &channels[3]) == JOB_LATER; tries++) {
		assert_true(tries < 200);
		usleep(10000);
	}
	for (int i = 1; i < 4; i++) {
		assert_true(receive(channels[i], s, sizeof s) > 0);
		close(channels[i]);
	}
}

static void
death_is_the_end_of_the_channel(void **state)
{
	int channel;
	char s[10];

	(void)state;
	assert_int_equal(ask("crash", &channel), JOB_OPENED);
	assert_int_equal(receive(channel, s, sizeof s), 0);
	close(channel);
	assert_int_equal(ask("x", &channel), JOB_OPENED);
	close(channel);
}

static void
nonsense_drops_the_manager(void **state)
{
	static char const *const frames[] = {
		"nonsense", "\0\0\0\1\0\5abc", "q"};
	int channel;
	char s[10];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(
			pair_send(manager, frames[i], i == 1 ? 9 : 1, NULL, 0));
		assert_int_equal(receive(manager, s, sizeof s), 0);
		close(manager);
		give_manager();
		assert_int_equal(ask("x", &channel), JOB_OPENED);
		close(channel);
	}
}

static void
nonsense_of_the_starter_is_ignored(void **state)
{
	int channel;

	(void)state;
	assert_true(pair_send(control, "x", 1, NULL, 0));
	assert_true(pair_send(control, "mm", 2, NULL, 0));
	assert_true(pair_send(control, "m", 1, NULL, 0));
	assert_true(pair_send(control, "x", 1, &control, 1));
	assert_int_equal(ask("x", &channel), JOB_OPENED);
	close(channel);
}

static void
manager_that_does_not_read_is_dropped(void **state)
{
	struct job_open open = {1, "unknown", 7};
	char frame[400];
	size_t len = job_open_encode(frame, sizeof frame, &open);
	int channel, sent = 0;

	(void)state;
	while (sent < 10000 && pair_send(manager, frame, len, NULL, 0))
		sent++;
	assert_true(sent < 10000);
	close(manager);
	give_manager();
	assert_int_equal(ask("x", &channel), JOB_OPENED);
	close(channel);
}

static void
stop_waits_for_children(void **state)
{
	int channel, other, status;
	char s[400];

	(void)state;
	assert_int_equal(ask("x", &channel), JOB_OPENED);
	assert_true(pair_send(control, "q", 1, NULL, 0));
	assert_int_equal(ask("x", &other), JOB_LATER);
	assert_int_equal(receive(channel, s, sizeof s), 2);
	assert_int_equal(waitpid(loop, &status, WNOHANG), 0);
	assert_true(pair_send(channel, "job", 3, NULL, 0));
	assert_int_equal(receive(channel, s, sizeof s), 3);
	close(channel);
	/* take_down sees it end. */
}

/* The starter replaces what has ended, and only then makes a new pair. */
static void
loop_ends_if_no_other_manager_comes(void **state)
{
	int channel, status;
	char s[400];

	assert_int_equal(set_up(state), 0);
	assert_int_equal(ask("x", &channel), JOB_OPENED);
	assert_int_equal(receive(channel, s, sizeof s), 2);
	close(manager);
	usleep(500000);
	assert_int_equal(waitpid(loop, &status, WNOHANG), 0);
	for (int tries = 0; waitpid(loop, &status, WNOHANG) == 0; tries++) {
		assert_true(tries < 600);
		usleep(10000);
	}
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	/* What is being delivered goes on. */
	assert_true(pair_send(channel, "job", 3, NULL, 0));
	assert_int_equal(receive(channel, s, sizeof s), 3);
	close(channel);
	close(control);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, take_down)

int
main(void)
{
	struct CMUnitTest const tests[] = {
		TEST(child_serves_its_channel_alone),
		TEST(children_are_limited),
		TEST(death_is_the_end_of_the_channel),
		TEST(nonsense_drops_the_manager),
		TEST(nonsense_of_the_starter_is_ignored),
		TEST(manager_that_does_not_read_is_dropped),
		TEST(stop_waits_for_children),
		cmocka_unit_test(loop_ends_if_no_other_manager_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
