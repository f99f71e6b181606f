/* drop.c: whole files appear in new, and failures leave nothing. */
#include <dirent.h>
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
#include "common/drop.h"

static char top[] = "/tmp/drop_test.XXXXXX";
static int tmp_fd, new_fd;
static struct drop d;
static struct queuefile_recipient to = {
	.address = "c@d", .address_len = 3, .state = QUEUEFILE_TODO};
static struct drop_envelope const envelope = {.origin = "test",
	.origin_len = 4,
	.sender = "a@b",
	.sender_len = 3,
	.recipients = &to,
	.recipient_count = 1};

static int
setup(void **state)
{
	int fd;

	(void)state;
	if (mkdtemp(top) == NULL || (fd = open(top, O_RDONLY)) < 0 ||
		mkdirat(fd, "tmp", 0700) < 0 || mkdirat(fd, "new", 0700) < 0)
		return -1;
	tmp_fd = openat(fd, "tmp", O_RDONLY | O_DIRECTORY);
	new_fd = openat(fd, "new", O_RDONLY | O_DIRECTORY);
	close(fd);
	return tmp_fd < 0 || new_fd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	char command[100];

	(void)state;
	close(tmp_fd);
	close(new_fd);
	snprintf(command, sizeof command, "rm -rf %s", top);
	return system(command);
}

/* The only file of a folder, or an empty name. */
static size_t
count_files(int fd, char name_r[256])
{
	DIR *dir = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *e;
	size_t n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(name_r, 256, "%s", e->d_name);
			n++;
		}
	closedir(dir);
	return n;
}

/* Drops len octets in pieces and reads the file back. */
static void
drop_and_read(size_t len, size_t piece, enum drop_durability durability)
{
	char *message = malloc(len + 1), *text, name[256];
	struct queuefile_recipient back;
	struct queuefile q;
	struct stat st;
	int fd;

	for (size_t i = 0; i < len; i++)
		message[i] = (char)('a' + i % 26);
	umask(077);
	assert_true(drop_begin(&d, tmp_fd, new_fd, durability, &envelope));
	for (size_t at = 0; at < len; at += piece)
		drop_message(
			&d, message + at, len - at < piece ? len - at : piece);
	drop_added(&d, "Received: x\r\n", 13);
	assert_int_equal(count_files(new_fd, name), 0);
	assert_true(drop_commit(&d));
	assert_int_equal(count_files(tmp_fd, name), 0);
	assert_int_equal(count_files(new_fd, name), 1);
	assert_int_equal(strlen(name), DROP_NAME_LEN);
	assert_memory_equal(name, d.q.id, ID_LEN);
	fd = openat(new_fd, name, O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	text = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	assert_int_equal(
		queuefile_parse(text, (size_t)st.st_size, &back, 1, &q), 1);
	assert_int_equal(q.file_size, st.st_size);
	assert_int_equal(q.message_len, len);
	assert_memory_equal(text + q.message_offset, message, len);
	assert_int_equal(q.added_len, 13);
	assert_memory_equal(text + q.added_offset, "Received: x\r\n", 13);
	close(fd);
	unlinkat(new_fd, name, 0);
	free(text);
	free(message);
}

static void
sizes_and_pieces(void **state)
{
	(void)state;
	drop_and_read(0, 1, DROP_SYNC_FOLDER);
	drop_and_read(100, 7, DROP_SYNC_FILE);
	drop_and_read(DROP_BUFFER - 400, 1000, DROP_SYNC_FOLDER);
	drop_and_read(DROP_BUFFER + 1, DROP_BUFFER + 1, DROP_SYNC_FOLDER);
	drop_and_read(300000, 4096, DROP_SYNC_FILE);
}

static void
an_abort_leaves_nothing(void **state)
{
	char name[256];

	(void)state;
	assert_true(
		drop_begin(&d, tmp_fd, new_fd, DROP_SYNC_FOLDER, &envelope));
	drop_message(&d, "x", 1);
	drop_abort(&d);
	drop_abort(&d);
	assert_int_equal(count_files(tmp_fd, name), 0);
	assert_int_equal(count_files(new_fd, name), 0);
}

static void
a_full_disk_is_told_by_commit(void **state)
{
	int full = open("/dev/full", O_RDWR);
	char name[256];

	(void)state;
	assert_true(
		drop_begin(&d, tmp_fd, new_fd, DROP_SYNC_FOLDER, &envelope));
	assert_true(dup2(full, d.fd) >= 0);
	for (int i = 0; i < 100; i++)
		drop_message(&d, top, sizeof top);
	for (int i = 0; i < 300; i++)
		drop_message(&d, d.buffer, 1000);
	assert_false(drop_commit(&d));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(count_files(tmp_fd, name), 0);
	assert_int_equal(count_files(new_fd, name), 0);
	close(full);
}

static void
a_bad_envelope_leaves_nothing(void **state)
{
	struct drop_envelope bad = envelope;
	char name[256];

	(void)state;
	bad.sender = "a\n@b";
	bad.sender_len = 4;
	assert_false(drop_begin(&d, tmp_fd, new_fd, DROP_SYNC_FOLDER, &bad));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(count_files(tmp_fd, name), 0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(sizes_and_pieces),
		cmocka_unit_test(an_abort_leaves_nothing),
		cmocka_unit_test(a_full_disk_is_told_by_commit),
		cmocka_unit_test(a_bad_envelope_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
