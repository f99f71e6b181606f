/* What is delivered, encrypted: what a delivery sees of the one who does it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/pair.h"
#include "local/atrest.h"
#include "local/locker.h"

static int
make_folder(void)
{
	char name[] = "/tmp/kereru-atrest.XXXXXX";
	int fd;

	assert_non_null(mkdtemp(name));
	fd = open(name, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(rmdir(name), 0);
	return fd;
}

static void
test_nothing_is_no_key(void **state)
{
	int fd = make_folder();

	(void)state;
	assert_int_equal(atrest_look(fd), ATREST_CLEAR);
	close(fd);
	/* What can't be told is not delivered in clear. */
	assert_int_equal(atrest_look(fd), ATREST_REFUSED);
}

static void
test_only_a_file_is_a_key(void **state)
{
	char name[] = "/tmp/kereru-atrest.XXXXXX";
	int dir, fd;

	(void)state;
	assert_non_null(mkdtemp(name));
	dir = open(name, O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 0);
	fd = openat(dir, ATREST_KEY, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(atrest_look(dir), ATREST_LOCKED);
	assert_int_equal(fchmod(fd, 0602), 0);
	assert_int_equal(atrest_look(dir), ATREST_REFUSED);
	close(fd);
	assert_int_equal(renameat(dir, ATREST_KEY, dir, "key"), 0);
	assert_int_equal(symlinkat("key", dir, ATREST_KEY), 0);
	assert_int_equal(atrest_look(dir), ATREST_REFUSED);
	assert_int_equal(unlinkat(dir, ATREST_KEY, 0), 0);
	assert_int_equal(mkdirat(dir, ATREST_KEY, 0700), 0);
	assert_int_equal(atrest_look(dir), ATREST_REFUSED);
	assert_int_equal(unlinkat(dir, ATREST_KEY, AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(dir, "key", 0), 0);
	close(dir);
	assert_int_equal(rmdir(name), 0);
}

/* Answers one question; what: the octets that come of it. */
static pid_t
fake(int ends[2], char const *what, char const *answer)
{
	char frame[8], text[8];
	int fds[LOCKER_FILES];
	size_t count;
	pid_t pid;

	assert_true(pair_make(ends, false));
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0) {
		close(ends[1]);
		return pid;
	}
	close(ends[0]);
	if (pair_receive(ends[1], frame, sizeof frame, fds, LOCKER_FILES,
		    &count) != 1 ||
		count != LOCKER_FILES ||
		read(fds[LOCKER_CLEAR], text, sizeof text) != 5 ||
		memcmp(text, "clear", 5) != 0 ||
		write(fds[LOCKER_OUT], what, strlen(what)) < 0)
		_exit(1);
	if (answer != NULL &&
		!pair_send(ends[1], answer, strlen(answer), NULL, 0))
		_exit(1);
	_exit(0);
}

static int
ask(char const *what, char const *answer, char why[ATREST_WHY], bool *lost)
{
	int ends[2], status, fd;
	int clear = memfd_create("clear", 0);
	pid_t pid = fake(ends, what, answer);

	assert_int_equal(write(clear, "clear", 5), 5);
	why[0] = '\0';
	fd = atrest_lock(ends[0], -1, clear, why, lost);
	close(clear);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return fd;
}

static void
test_what_came_of_it(void **state)
{
	char why[ATREST_WHY], text[8];
	bool lost;
	int fd = ask("locked", "+", why, &lost);

	(void)state;
	assert_true(fd >= 0);
	assert_false(lost);
	assert_int_equal(pread(fd, text, sizeof text, 0), 6);
	assert_memory_equal(text, "locked", 6);
	close(fd);
}

static void
test_reasons(void **state)
{
	char why[ATREST_WHY], answer[LOCKER_ANSWER_MAX];
	bool lost;

	(void)state;
	assert_int_equal(ask("locked", "-no\tkey\x80", why, &lost), -1);
	assert_false(lost);
	assert_string_equal(why, "no?key?");
	assert_int_equal(ask("", "+", why, &lost), -1);
	assert_false(lost);
	assert_string_equal(why, "nothing came of it");
	memset(answer, 'x', sizeof answer);
	answer[0] = '-';
	answer[sizeof answer - 1] = '\0';
	assert_int_equal(ask("", answer, why, &lost), -1);
	assert_int_equal(strlen(why), ATREST_WHY - 1);
	assert_int_equal(ask("locked", NULL, why, &lost), -1);
	assert_true(lost);
	assert_string_equal(why, "what encrypts gave no answer");
}

static void
test_the_other_is_gone(void **state)
{
	char why[ATREST_WHY];
	bool lost = false;
	int ends[2], clear = memfd_create("clear", 0);

	(void)state;
	assert_true(pair_make(ends, false));
	close(ends[1]);
	assert_int_equal(atrest_lock(ends[0], -1, clear, why, &lost), -1);
	assert_true(lost);
	close(ends[0]);
	close(clear);
}

static void
test_nobody_waits_for_it(void **state)
{
	char why[ATREST_WHY];
	bool lost = false;
	int ends[2], channel[2], clear = memfd_create("clear", 0);

	(void)state;
	assert_true(pair_make(ends, false));
	assert_true(pair_make(channel, false));
	close(channel[1]);
	assert_int_equal(
		atrest_lock(ends[0], channel[0], clear, why, &lost), -1);
	assert_true(lost);
	close(channel[0]);
	close(ends[0]);
	close(ends[1]);
	close(clear);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_nothing_is_no_key),
		cmocka_unit_test(test_only_a_file_is_a_key),
		cmocka_unit_test(test_what_came_of_it),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_the_other_is_gone),
		cmocka_unit_test(test_nobody_waits_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
