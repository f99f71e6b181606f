/* table.h, settings.h: values are found, a replaced table is noticed, a damaged
 * one is no crash. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/cdbmake.h>
#include <cmocka.h>
#include "common/settings.h"

static int folder;
static char path[] = "/tmp/kereru-table-XXXXXX";

static void
write_table(char const *name, char const *value, size_t len)
{
	cdbmaker maker = CDBMAKER_ZERO;
	int fd = openat(folder, "t", O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_true(cdbmake_start(&maker, fd));
	assert_true(cdbmake_add(&maker, "key", 3, value, (uint32_t)len));
	assert_true(cdbmake_finish(&maker));
	close(fd);
	assert_int_equal(renameat(folder, "t", folder, name), 0);
}

static int
make_folder(void **state)
{
	(void)state;
	strcpy(path + sizeof path - 7, "XXXXXX");
	if (mkdtemp(path) == NULL)
		return -1;
	folder = open(path, O_RDONLY | O_DIRECTORY);
	return folder < 0 ? -1 : 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlinkat(folder, "x.cdb", 0);
	close(folder);
	return rmdir(path);
}

static void
replaced_table_is_noticed(void **state)
{
	struct table t = TABLE_ZERO;
	char const *value;
	size_t len;

	(void)state;
	assert_false(table_refresh(&t, folder, "x.cdb"));
	assert_int_equal(table_find(&t, "key", 3, &value, &len), -1);
	write_table("x.cdb", "one", 3);
	assert_true(table_refresh(&t, folder, "x.cdb"));
	assert_int_equal(table_find(&t, "key", 3, &value, &len), 1);
	assert_memory_equal(value, "one", len);
	assert_int_equal(table_find(&t, "kez", 3, &value, &len), 0);
	write_table("x.cdb", "three", 5);
	assert_true(table_refresh(&t, folder, "x.cdb"));
	assert_int_equal(table_find(&t, "key", 3, &value, &len), 1);
	assert_int_equal(len, 5);
	/* A vanished table leaves what was mapped. */
	assert_int_equal(unlinkat(folder, "x.cdb", 0), 0);
	assert_false(table_refresh(&t, folder, "x.cdb"));
	assert_int_equal(table_find(&t, "key", 3, &value, &len), 1);
	table_close(&t);
	table_close(&t);
}

static void
settings_need_their_nul(void **state)
{
	struct table t = TABLE_ZERO;

	(void)state;
	write_table("x.cdb", "12", 3);
	assert_true(table_refresh(&t, folder, "x.cdb"));
	assert_string_equal(settings_text(&t, "key"), "12");
	assert_int_equal(settings_number(&t, "key", 5), 12);
	assert_int_equal(settings_number(&t, "no", 5), 5);
	write_table("x.cdb", "12", 2);
	assert_true(table_refresh(&t, folder, "x.cdb"));
	assert_null(settings_text(&t, "key"));
	write_table("x.cdb", "12x", 4);
	assert_true(table_refresh(&t, folder, "x.cdb"));
	assert_int_equal(settings_number(&t, "key", 5), 5);
	table_close(&t);
}

static void
truncated_table_is_no_crash(void **state)
{
	char whole[4096];
	char const *value;
	size_t len;
	int fd;
	ssize_t n;

	(void)state;
	write_table("x.cdb", "value", 5);
	fd = openat(folder, "x.cdb", O_RDONLY);
	n = read(fd, whole, sizeof whole);
	close(fd);
	for (ssize_t cut = 0; cut < n; cut += 7) {
		struct table t = TABLE_ZERO;
		fd = openat(folder, "x.cdb", O_RDWR | O_TRUNC);
		assert_int_equal(write(fd, whole, (size_t)cut), cut);
		if (table_open_fd(&t, fd))
			assert_int_not_equal(
				table_find(&t, "key", 3, &value, &len), 2);
		close(fd);
		table_close(&t);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test_setup_teardown(
			replaced_table_is_noticed, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			settings_need_their_nul, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(truncated_table_is_no_crash,
			make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
