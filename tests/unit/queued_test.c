/* queued.c: what is loaded, what is refused, and marks in place. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "queue/queued.h"

#define ID "0k3v9a2mj4xz7bqr"

static char top[] = "/tmp/queued_test.XXXXXX";
static int top_fd;

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL)
		return -1;
	top_fd = open(top, O_RDONLY | O_DIRECTORY);
	return top_fd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	char command[100];

	(void)state;
	close(top_fd);
	snprintf(command, sizeof command, "rm -rf %s", top);
	return system(command);
}

/* A file of the manager's own with count recipients and a message of one
 * octet; extra octets behind it, or lacking. */
static void
make(char const *name, size_t count, long extra)
{
	static struct queuefile_recipient to[QUEUEFILE_RECIPIENTS_MAX];
	static char address[] = "someone.with.a.long.name@example.org";
	struct queuefile q = {.id = ID,
		.flags = QUEUEFILE_OWN,
		.origin = "test",
		.origin_len = 4,
		.sender = "a@b",
		.sender_len = 3,
		.recipients = to,
		.recipient_count = count};
	stralloc sa = STRALLOC_ZERO;
	int fd = openat(top_fd, name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (size_t i = 0; i < count; i++)
		to[i] = (struct queuefile_recipient){.address = address,
			.address_len = sizeof address - 1,
			.state = QUEUEFILE_TODO};
	assert_true(queuefile_format(&sa, &q));
	q.message_offset = sa.len;
	q.message_len = 1;
	q.added_offset = q.file_size = sa.len + 1;
	sa.len = 0;
	assert_true(queuefile_format(&sa, &q));
	assert_true(stralloc_append(&sa, 'x'));
	assert_int_equal(write(fd, sa.s, sa.len), sa.len);
	assert_int_equal(ftruncate(fd, (off_t)sa.len + extra), 0);
	close(fd);
	stralloc_free(&sa);
}

static enum queued_error
load_error(char const *name)
{
	enum queued_error error = 0;
	struct stat st;
	struct queued *m = queued_load(top_fd, name, &st, &error);

	queued_free(m);
	return m == NULL ? error : 0;
}

static void
many_recipients_are_loaded(void **state)
{
	static size_t const counts[] = {1, 16, 17, 300, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		enum queued_error error;
		struct stat st;
		make(ID, counts[i], 0);
		struct queued *m = queued_load(top_fd, ID, &st, &error);
		assert_non_null(m);
		assert_int_equal(m->q.recipient_count, counts[i]);
		assert_int_equal(queued_count(m, QUEUEFILE_TODO), counts[i]);
		assert_memory_equal(m->q.sender, "a@b", 3);
		assert_memory_equal(
			m->q.recipients[counts[i] - 1].address, "someone.", 8);
		queued_free(m);
	}
}

static void
what_is_not_fit_is_refused(void **state)
{
	(void)state;
	assert_int_equal(load_error("none"), QUEUED_GONE);
	make(ID, 1, 1);
	assert_int_equal(load_error(ID), QUEUED_LONG);
	make(ID, 1, -1);
	assert_int_equal(load_error(ID), QUEUED_SHORT);
	make(ID, 1, -100);
	assert_int_equal(load_error(ID), QUEUED_SHORT);
	make(ID, 0, 0);
	assert_int_equal(load_error(ID), QUEUED_EMPTY);
	make(ID ".secret", 1, 0);
	assert_int_equal(load_error(ID ".secret"), 0);
	make("1111111111111111.secret", 1, 0);
	assert_int_equal(load_error("1111111111111111.secret"), QUEUED_NAME);
	make(ID "x", 1, 0);
	assert_int_equal(load_error(ID "x"), QUEUED_NAME);
	assert_int_equal(linkat(top_fd, ID ".secret", top_fd, "2", 0), 0);
	assert_int_equal(load_error(ID ".secret"), QUEUED_NOT_PLAIN);
	assert_int_equal(symlinkat(ID, top_fd, "3"), 0);
	assert_int_equal(load_error("3"), QUEUED_NOT_PLAIN);
	assert_int_equal(mkfifoat(top_fd, "4", 0600), 0);
	assert_int_equal(load_error("4"), QUEUED_NOT_PLAIN);
	assert_int_equal(mkdirat(top_fd, "5", 0700), 0);
	assert_int_equal(load_error("5"), QUEUED_NOT_PLAIN);
}

/* So it is in cur, when the id was in use there. */
static void
name_that_is_an_id_counts(void **state)
{
	enum queued_error error;
	struct stat st;
	struct queued *m;

	(void)state;
	make("1111111111111111", 1, 0);
	m = queued_load(top_fd, "1111111111111111", &st, &error);
	assert_non_null(m);
	assert_string_equal(m->q.id, "1111111111111111");
	queued_free(m);
}

static void
marks_are_read_back(void **state)
{
	enum queued_error error;
	struct stat st;
	struct queued *m;
	int fd;

	(void)state;
	make(ID, 3, 0);
	m = queued_load(top_fd, ID, &st, &error);
	assert_non_null(m);
	queued_note(m, 0, QUEUEFILE_DONE, "text", 4);
	queued_note(m, 1, QUEUEFILE_TODO, "first", 5);
	queued_note(m, 1, QUEUEFILE_TODO, "later\n", 6);
	queued_note(m, 2, QUEUEFILE_FAILED, "no", 2);
	m->q.attempts = 5;
	m->q.next = 77;
	fd = openat(top_fd, ID, O_WRONLY);
	assert_true(queued_mark(m, fd, false));
	queued_free(m);
	m = queued_load(top_fd, ID, &st, &error);
	assert_non_null(m);
	assert_int_equal(m->q.recipients[0].state, QUEUEFILE_DONE);
	assert_int_equal(m->q.recipients[0].why_len, 0);
	assert_true(m->fates[0].handled && !m->fates[1].handled);
	assert_int_equal(m->q.recipients[1].why_len, 6);
	assert_memory_equal(m->q.recipients[1].why, "later?", 6);
	assert_int_equal(m->q.recipients[2].state, QUEUEFILE_FAILED);
	assert_int_equal(m->q.attempts, 0);
	m->q.attempts = 5;
	m->q.next = 77;
	assert_true(queued_mark(m, fd, true));
	close(fd);
	queued_free(m);
	m = queued_load(top_fd, ID, &st, &error);
	assert_non_null(m);
	assert_true(m->q.attempts == 5 && m->q.next == 77);
	queued_free(m);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(many_recipients_are_loaded),
		cmocka_unit_test(what_is_not_fit_is_refused),
		cmocka_unit_test(name_that_is_an_id_counts),
		cmocka_unit_test(marks_are_read_back),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
