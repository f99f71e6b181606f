/* common/lessons: what moving a message teaches, and where it waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/lessons.h"

static void
moves_teach(void **state)
{
	static struct {
		char const *from, *to;
		enum lesson wanted;
	} const t[] = {
		{"", "\\Junk", LESSON_SPAM},
		{NULL, "\\Junk", LESSON_SPAM},
		{"\\Junk", "", LESSON_HAM},
		{"\\Junk", "\\Archive", LESSON_HAM},
		{"\\Junk", "\\Trash", LESSON_NONE},
		{"\\Junk", "\\Junk", LESSON_NONE},
		{"", "\\Trash", LESSON_NONE},
		{"", "", LESSON_NONE},
		{NULL, "", LESSON_NONE},
		{"\\Trash", "\\Drafts \\Junk", LESSON_SPAM},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		assert_int_equal(lessons_of(t[i].from, t[i].to), t[i].wanted);
}

static void
names_are_read_back(void **state)
{
	static char const *const bad[] = {"", ".", "..", "1.s",
		"0000000000000001.x", "0000000000000001.ss",
		"0000000000000001s", "00000000000000001.s",
		"000000000000000a.s", "0000000000000001."};
	char one[LESSONS_NAME_SIZE], two[LESSONS_NAME_SIZE];

	(void)state;
	lessons_name(LESSON_SPAM, one);
	lessons_name(LESSON_HAM, two);
	assert_true(strcmp(one, two) < 0);
	assert_int_equal(lessons_kind(one), LESSON_SPAM);
	assert_int_equal(lessons_kind(two), LESSON_HAM);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *s = strdup(bad[i]);

		assert_int_equal(lessons_kind(s), LESSON_NONE);
		free(s);
	}
}

static void
lessons_wait_in_their_order(void **state)
{
	char folder[] = "/tmp/lessons-XXXXXX", command[64];
	char name[LESSONS_NAME_SIZE], first[LESSONS_NAME_SIZE];
	size_t room;
	int root, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	root = open(folder, O_RDONLY | O_DIRECTORY);
	/* Nobody wants any yet. */
	assert_int_equal(lessons_open(root, LESSONS_NEW, &room), -1);
	assert_true(lessons_create(root, LESSONS_NEW));
	assert_true(lessons_create(root, LESSONS_NEW));
	fd = lessons_open(root, LESSONS_NEW, &room);
	assert_true(fd >= 0);
	assert_int_equal(room, LESSONS_MAX);
	assert_false(lessons_oldest(fd, name));
	for (unsigned i = 0; i < LESSONS_MAX; i++) {
		lessons_name(LESSON_HAM, name);
		if (i == 0)
			memcpy(first, name, sizeof first);
		close(openat(fd, name, O_CREAT | O_WRONLY | O_EXCL, 0600));
		if (i == 0) {
			close(lessons_open(root, LESSONS_NEW, &room));
			assert_int_equal(room, LESSONS_MAX - 1);
		}
	}
	assert_true(lessons_oldest(fd, name));
	assert_string_equal(name, first);
	assert_int_equal(lessons_open(root, LESSONS_NEW, &room), -1);
	close(fd);
	close(root);
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

/* Their owner teaches nobody any more. */
static void
common_lessons_that_wait_too_long_go(void **state)
{
	char folder[] = "/tmp/lessons-XXXXXX", name[LESSONS_NAME_SIZE];
	int root, fd;
	size_t room;

	(void)state;
	assert_non_null(mkdtemp(folder));
	root = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(lessons_create(root, LESSONS_COMMON));
	fd = lessons_open(root, LESSONS_COMMON, &room);
	assert_int_equal(room, LESSONS_MAX);
	close(openat(fd, "0000000000000001.s", O_WRONLY | O_CREAT, 0600));
	lessons_name(LESSON_HAM, name);
	close(openat(fd, name, O_WRONLY | O_CREAT, 0600));
	close(fd);
	assert_int_equal(lessons_open(root, LESSONS_COMMON, &room), -1);
	assert_int_equal(faccessat(root, LESSONS_COMMON, F_OK, 0), -1);
	assert_int_equal(unlinkat(root, LESSONS_FOLDER, AT_REMOVEDIR), 0);
	close(root);
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(moves_teach),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(lessons_wait_in_their_order),
		cmocka_unit_test(common_lessons_that_wait_too_long_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
