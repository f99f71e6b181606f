/* helpers.h: tasks in real children, in a clock that stands still. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <cmocka.h>
#include "common/log.h"
#include "fake_loop.h"
#include "fake_message.h"
#include "queue/helpers.h"

/* What the child is told by the number of the recipient. */
enum { DIES = 900, EXITS = 901 };

static struct {
	enum helper_task task;
	size_t recipient;
	enum helper_result result;
} done[400];
static size_t done_count;
static pid_t manager;

/* In the child. */
static enum helper_result
work(enum helper_task task, struct queued *m, size_t recipient)
{
	if (getpid() == manager || m->open == 0)
		return HELPER_FAILED;
	if (recipient == DIES)
		raise(SIGKILL);
	if (recipient == EXITS)
		_exit(0);
	return task == HELPER_EXPAND ? HELPER_LOOP : HELPER_OK;
}

static void
on_done(enum helper_task task, struct queued *m, size_t recipient,
	enum helper_result result)
{
	(void)m;
	assert_true(done_count < sizeof done / sizeof *done);
	done[done_count].task = task;
	done[done_count].recipient = recipient;
	done[done_count++].result = result;
}

/* Until that many results have come. */
static void
wait_for(size_t count)
{
	for (int i = 0; i < 500 && done_count < count; i++) {
		helpers_run();
		loop_wait(20);
	}
	assert_int_equal(done_count, count);
}

static int
set_up(void **state)
{
	done_count = 0;
	*state = fake_message(1);
	return 0;
}

static int
take_down(void **state)
{
	struct queued *m = *state;
	bool is_over;

	/* The last child's end, too. */
	for (int i = 0; i < 500 && fake_source_count > 0; i++)
		loop_wait(20);
	is_over = m->open == 0 && helpers_pending() == 0 &&
		  fake_source_count == 0;
	fake_message_free(m);
	return !is_over;
}

static void
add(struct queued *m, enum helper_task task, size_t recipient)
{
	assert_true(helpers_add(task, m, recipient));
}

static void
results_come_in_order(void **state)
{
	struct queued *m = *state;

	/* More than one child takes; each tells its own in order. */
	for (size_t i = 0; i < 30; i++)
		add(m, i % 2 ? HELPER_COPY : HELPER_EXPAND, i);
	assert_int_equal(m->open, 30);
	assert_int_equal(helpers_pending(), 30);
	wait_for(30);
	for (size_t i = 0; i < 30; i++) {
		assert_int_equal(done[i].recipient, i);
		assert_int_equal(
			done[i].task, i % 2 ? HELPER_COPY : HELPER_EXPAND);
		assert_int_equal(
			done[i].result, i % 2 ? HELPER_OK : HELPER_LOOP);
	}
	assert_int_equal(m->open, 0);
}

static void
many_tasks_are_all_done(void **state)
{
	size_t sum = 0;

	for (size_t i = 0; i < 300; i++)
		add(*state, HELPER_BOUNCE, i);
	wait_for(300);
	for (size_t i = 0; i < 300; i++) {
		assert_int_equal(done[i].result, HELPER_OK);
		sum += done[i].recipient;
	}
	assert_int_equal(sum, 299 * 300 / 2);
}

/* What it had told is done; the rest is to be tried again. */
static void
death_fails_what_was_not_told(void **state)
{
	static size_t const how[] = {DIES, EXITS};

	for (size_t k = 0; k < 2; k++) {
		done_count = 0;
		add(*state, HELPER_COPY, 0);
		add(*state, HELPER_COPY, how[k]);
		add(*state, HELPER_COPY, 2);
		wait_for(3);
		assert_int_equal(done[0].result, HELPER_OK);
		assert_int_equal(done[1].recipient, how[k]);
		assert_int_equal(done[1].result, HELPER_FAILED);
		assert_int_equal(done[2].recipient, 2);
		assert_int_equal(done[2].result, HELPER_FAILED);
	}
}

/* A child that can't be started: nothing is lost, and a second later it is
 * tried again. */
static void
tasks_wait_when_nothing_can_be_started(void **state)
{
	struct rlimit old, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	add(*state, HELPER_COPY, 0);
	add(*state, HELPER_COPY, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	helpers_run();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(fake_source_count, 0);
	add(*state, HELPER_COPY, 2);
	helpers_run();
	assert_int_equal(fake_source_count, 0);
	assert_int_equal(helpers_pending(), 3);
	fake_ms += 1000;
	wait_for(3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(done[i].recipient, i);
		assert_int_equal(done[i].result, HELPER_OK);
	}
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int
make_mark(void)
{
	int fd = memfd_create("mark", MFD_CLOEXEC);

	helpers_sync_later(fd);
	return fd;
}

/* A moment later, several together; then the descriptor is let go of. */
static void
marks_are_synced_a_moment_later(void **state)
{
	int a = make_mark(), b;

	(void)state;
	fake_ms += 299;
	b = make_mark();
	helpers_run();
	assert_true(is_open(a) && is_open(b));
	assert_int_equal(helpers_pending(), 2);
	fake_ms += 1;
	helpers_run();
	assert_false(is_open(a) || is_open(b));
	assert_int_equal(helpers_pending(), 0);
	/* At a stop: at once. */
	a = make_mark();
	helpers_sync_now();
	assert_false(is_open(a));
}

static void
marks_are_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++)
		make_mark();
	assert_int_equal(helpers_pending(), 256);
	/* No child was started meanwhile: the oldest go unsynced. */
	make_mark();
	assert_int_equal(helpers_pending(), 1);
	for (int i = 0; i < 255; i++)
		make_mark();
	helpers_run();
	assert_int_equal(helpers_pending(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, take_down)

int
main(void)
{
	struct CMUnitTest const tests[] = {
		TEST(results_come_in_order),
		TEST(many_tasks_are_all_done),
		TEST(death_fails_what_was_not_told),
		TEST(tasks_wait_when_nothing_can_be_started),
		TEST(marks_are_synced_a_moment_later),
		TEST(marks_are_bounded),
	};

	log_open("helpers_test");
	manager = getpid();
	signal(SIGCHLD, SIG_IGN);
	helpers_init(work, on_done);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
