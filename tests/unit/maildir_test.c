/* maildir.c: what is written, under which name, and what is left behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/maildir.h"

#define ID "0k3v9a2mj4xz7bqr"

static struct maildir_writer writer;
static char top[] = "/tmp/maildir_test.XXXXXX";
static int top_fd;

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL)
		return -1;
	top_fd = open(top, O_RDONLY | O_DIRECTORY);
	return top_fd < 0 || !maildir_create(top_fd, "box") ? -1 : 0;
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

static int
open_box(void)
{
	int fd = openat(top_fd, "box", O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	return fd;
}

static size_t
read_back(int fd, char const *sub, char *text, size_t max)
{
	char path[300];
	int file;
	ssize_t n;

	snprintf(path, sizeof path, "%s/%s", sub, writer.name);
	file = openat(fd, path, O_RDONLY);
	assert_true(file >= 0);
	n = read(file, text, max);
	close(file);
	assert_true(n >= 0);
	return (size_t)n;
}

/* Each input in one piece and octet by octet. */
static void
converts_line_ends(void **state)
{
	static struct {
		char const *in, *out;
		unsigned lines;
	} const cases[] = {
		{"", "", 0},
		{"a\r\nb\r\n", "a\nb\n", 2},
		{"a\rb\r\n", "a\rb\n", 1},
		{"a\nb\n", "a\nb\n", 2},
		{"a\r", "a\r", 0},
		{"\r\r\n", "\r\n", 0},
		{"no end", "no end", 0},
	};
	int fd = open_box();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t step = 1; step <= 16; step += 15) {
			char text[64], sizes[64];
			char const *in = cases[i].in;
			size_t len = strlen(in), n;
			assert_true(maildir_begin(&writer, fd, "h", NULL));
			for (size_t at = 0; at < len; at += step)
				maildir_write(&writer, in + at,
					len - at < step ? len - at : step);
			assert_true(maildir_commit(&writer, NULL));
			n = read_back(fd, "new", text, sizeof text);
			assert_int_equal(n, strlen(cases[i].out));
			assert_memory_equal(text, cases[i].out, n);
			snprintf(sizes, sizeof sizes, ",S=%zu,W=%zu", n,
				n + cases[i].lines);
			assert_non_null(strstr(writer.name, sizes));
		}
	close(fd);
}

static void
names_hold_id_host_and_flags(void **state)
{
	int fd = open_box();

	(void)state;
	assert_true(maildir_begin(&writer, fd, "a/b:c,d.example", ID));
	assert_true(maildir_commit(&writer, "FS"));
	assert_non_null(strstr(writer.name, "Q" ID "R"));
	assert_non_null(strstr(writer.name, ".a_b_c_d.example,S=0,W=0:2,FS"));
	assert_int_equal(faccessat(fd, "cur", F_OK, 0), 0);
	char text[8];
	assert_int_equal(read_back(fd, "cur", text, sizeof text), 0);
	assert_false(maildir_begin(&writer, fd, "h", "../../../etc/xyz"));
	assert_int_equal(errno, EINVAL);
	assert_true(maildir_sync(fd, "cur"));
	assert_false(maildir_sync(fd, "none"));
	close(fd);
}

static void
failures_leave_nothing_in_tmp(void **state)
{
	int fd = open_box(), full = open("/dev/full", O_WRONLY);
	char path[300];

	(void)state;
	assert_true(maildir_begin(&writer, fd, "h", ID));
	snprintf(path, sizeof path, "tmp/%s", writer.name);
	assert_int_equal(faccessat(fd, path, F_OK, 0), 0);
	assert_true(dup2(full, writer.fd) >= 0);
	maildir_write(&writer, "text\r\n", 6);
	assert_false(maildir_commit(&writer, NULL));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(faccessat(fd, path, F_OK, 0), -1);
	maildir_abort(&writer);

	assert_true(maildir_begin(&writer, fd, "h", ID));
	snprintf(path, sizeof path, "tmp/%s", writer.name);
	maildir_abort(&writer);
	assert_int_equal(faccessat(fd, path, F_OK, 0), -1);
	close(full);
	close(fd);
}

static void
a_message_larger_than_the_buffer_is_whole(void **state)
{
	int fd = open_box();
	static char line[1000];
	struct stat st;
	char path[300];

	(void)state;
	memset(line, 'x', sizeof line);
	line[998] = '\r';
	line[999] = '\n';
	assert_true(maildir_begin(&writer, fd, "h", NULL));
	for (int i = 0; i < 300; i++)
		maildir_write(&writer, line, sizeof line);
	assert_true(maildir_commit(&writer, NULL));
	snprintf(path, sizeof path, "new/%s", writer.name);
	assert_int_equal(fstatat(fd, path, &st, 0), 0);
	assert_int_equal(st.st_size, 300 * 999);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(fd);
}

static void
a_symlink_is_no_maildir(void **state)
{
	(void)state;
	assert_int_equal(symlinkat("box", top_fd, "link"), 0);
	assert_false(maildir_create(top_fd, "link"));
	assert_true(maildir_create(top_fd, "box"));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(converts_line_ends),
		cmocka_unit_test(names_hold_id_host_and_flags),
		cmocka_unit_test(failures_leave_nothing_in_tmp),
		cmocka_unit_test(a_message_larger_than_the_buffer_is_whole),
		cmocka_unit_test(a_symlink_is_no_maildir),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
