/* pair.h: frames and descriptors arrive whole; what is not wanted is closed. */
#include <errno.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/pair.h"

static size_t
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
frame_arrives_whole(void **state)
{
	int ends[2];
	char s[16];

	(void)state;
	assert_true(pair_make(ends, true));
	assert_int_equal(pair_receive(ends[0], s, sizeof s, NULL, 0, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	assert_true(pair_send(ends[1], "one", 3, NULL, 0));
	assert_true(pair_send(ends[1], "four", 4, NULL, 0));
	assert_int_equal(pair_receive(ends[0], s, sizeof s, NULL, 0, NULL), 3);
	assert_memory_equal(s, "one", 3);
	assert_int_equal(pair_receive(ends[0], s, sizeof s, NULL, 0, NULL), 4);
	close(ends[1]);
	assert_int_equal(pair_receive(ends[0], s, sizeof s, NULL, 0, NULL), 0);
	assert_false(pair_send(ends[0], "x", 1, NULL, 0));
	assert_int_equal(errno, EPIPE);
	close(ends[0]);
}

static void
long_frame_is_dropped(void **state)
{
	int ends[2];
	char s[4];

	(void)state;
	assert_true(pair_make(ends, false));
	assert_true(pair_send(ends[1], "too long", 8, NULL, 0));
	assert_true(pair_send(ends[1], "next", 4, NULL, 0));
	assert_int_equal(pair_receive(ends[0], s, sizeof s, NULL, 0, NULL), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(pair_receive(ends[0], s, sizeof s, NULL, 0, NULL), 4);
	close(ends[0]);
	close(ends[1]);
}

static void
descriptors_arrive(void **state)
{
	int ends[2], pipe_fds[2], got[2];
	size_t count;
	char s[4];

	(void)state;
	assert_true(pair_make(ends, false));
	assert_int_equal(pipe(pipe_fds), 0);
	assert_true(pair_send(ends[1], "fds", 3, pipe_fds, 2));
	assert_int_equal(pair_receive(ends[0], s, sizeof s, got, 2, &count), 3);
	assert_int_equal(count, 2);
	assert_int_equal(write(got[1], "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], s, 1), 1);
	for (int i = 0; i < 2; i++) {
		close(got[i]);
		close(pipe_fds[i]);
		close(ends[i]);
	}
}

static void
unwanted_descriptors_are_closed(void **state)
{
	int ends[2], got[1], two[2] = {0, 1};
	size_t count, before;
	char s[4];

	(void)state;
	assert_true(pair_make(ends, false));
	before = open_descriptors();
	assert_true(pair_send(ends[1], "a", 1, two, 2));
	assert_int_equal(
		pair_receive(ends[0], s, sizeof s, got, 1, &count), -1);
	assert_int_equal(errno, EPROTO);
	assert_true(pair_send(ends[1], "b", 1, two, 2));
	assert_int_equal(pair_receive(ends[0], s, sizeof s, NULL, 0, NULL), 1);
	assert_int_equal(open_descriptors(), before);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(frame_arrives_whole),
		cmocka_unit_test(long_frame_is_dropped),
		cmocka_unit_test(descriptors_arrive),
		cmocka_unit_test(unwanted_descriptors_are_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
