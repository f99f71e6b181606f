/* folders.h: what is refused is never lost. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/log.h"
#include "queue/folders.h"

static char top[] = "/tmp/folders_test.XXXXXX";

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL || chdir(top) < 0 || mkdir("new", 0700) < 0 ||
		mkdir("bad", 0700) < 0)
		return -1;
	folders.new_ = open("new", O_RDONLY | O_DIRECTORY);
	folders.bad = open("bad", O_RDONLY | O_DIRECTORY);
	return folders.new_ < 0 || folders.bad < 0 ? -1 : 0;
}

static int
take_down(void **state)
{
	char command[100];

	(void)state;
	close(folders.new_);
	close(folders.bad);
	snprintf(command, sizeof command, "rm -rf %s", top);
	return system(command);
}

static void
make(char const *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void
what_is_refused_is_kept(void **state)
{
	(void)state;
	make("new/a");
	folders_refuse(folders.new_, "a", "test");
	assert_int_equal(access("new/a", F_OK), -1);
	assert_int_equal(access("bad/a", F_OK), 0);
	/* Another of this name does not replace it. */
	make("new/a");
	folders_refuse(folders.new_, "a", "test");
	assert_int_equal(access("new/a", F_OK), -1);
	assert_int_equal(system("test $(ls bad | wc -l) = 2"), 0);
	folders_refuse(folders.new_, "none", "test");
}

static void
what_holds_no_message_is_removed_if_it_can_not_be_moved(void **state)
{
	int bad = folders.bad;

	(void)state;
	folders.bad = -1;
	assert_int_equal(symlink("/etc/passwd", "new/link"), 0);
	assert_int_equal(mkfifo("new/fifo", 0600), 0);
	assert_int_equal(mkdir("new/folder", 0700), 0);
	folders_refuse(folders.new_, "link", "test");
	folders_refuse(folders.new_, "fifo", "test");
	folders_refuse(folders.new_, "folder", "test");
	folders.bad = bad;
	assert_int_equal(rmdir("new"), 0);
	assert_int_equal(mkdir("new", 0700), 0);
	close(folders.new_);
	folders.new_ = open("new", O_RDONLY | O_DIRECTORY);
}

/* No room for its name in bad, say. */
static void
mail_that_can_not_be_moved_stays(void **state)
{
	int bad = folders.bad;

	(void)state;
	make("new/mail");
	folders.bad = -1;
	folders_refuse(folders.new_, "mail", "test");
	folders_refuse(folders.new_, "mail", "test");
	folders.bad = bad;
	assert_int_equal(access("new/mail", F_OK), 0);
	folders_refuse(folders.new_, "mail", "test");
	assert_int_equal(access("bad/mail", F_OK), 0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(what_is_refused_is_kept),
		cmocka_unit_test(
			what_holds_no_message_is_removed_if_it_can_not_be_moved),
		cmocka_unit_test(mail_that_can_not_be_moved_stays),
	};

	log_open("folders_test");
	return cmocka_run_group_tests(tests, set_up, take_down);
}
