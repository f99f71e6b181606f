/* What was learnt of a mailbox's owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "local/learnt.h"

static void
what_was_said_last_is_known(void **state)
{
	int fd = memfd_create("learnt", MFD_CLOEXEC);
	struct learnt a, b;

	(void)state;
	assert_int_equal(learnt_recall(fd, "one", 3, &a), LESSON_NONE);
	assert_true(learnt_note(fd, &a, LESSON_SPAM));
	assert_int_equal(learnt_recall(fd, "one", 3, &a), LESSON_SPAM);
	assert_int_equal(learnt_recall(fd, "two", 3, &b), LESSON_NONE);
	assert_true(learnt_note(fd, &b, LESSON_HAM));
	assert_true(learnt_note(fd, &a, LESSON_HAM));
	assert_int_equal(learnt_recall(fd, "one", 3, &a), LESSON_HAM);
	assert_int_equal(learnt_recall(fd, "two", 3, &b), LESSON_HAM);
	close(fd);
}

/* 20,000 texts: the oldest are forgotten, the file does not grow. */
static void
it_does_not_grow(void **state)
{
	int fd = memfd_create("learnt", MFD_CLOEXEC);
	struct learnt at;
	char text[16];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int len = snprintf(text, sizeof text, "%d", i);

		assert_int_equal(
			learnt_recall(fd, text, (size_t)len, &at), LESSON_NONE);
		assert_true(learnt_note(fd, &at, LESSON_SPAM));
	}
	assert_true(lseek(fd, 0, SEEK_END) <= LEARNT_SIZE);
	assert_int_equal(learnt_recall(fd, "19999", 5, &at), LESSON_SPAM);
	close(fd);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(what_was_said_last_is_known),
		cmocka_unit_test(it_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
