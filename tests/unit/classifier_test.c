/* common/classifier.h, with a program of our own in place of bogofilter */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/classifier.h"
#include "tests/unit/exact.h"

static void
answers(void **state)
{
	static struct {
		char const *s;
		enum classifier_verdict verdict; /* NONE: no answer */
		unsigned thousandths;
	} const cases[] = {
		{"/proc/self/fd/9 S 1", CLASSIFIER_SPAM, 1000},
		{"/proc/self/fd/9 S 0.994321", CLASSIFIER_SPAM, 994},
		{"a name with blanks H 0", CLASSIFIER_HAM, 0},
		{"x H 9.20732e-10", CLASSIFIER_HAM, 0},
		{"x H 1e-08", CLASSIFIER_HAM, 0},
		{"x U 0.52", CLASSIFIER_UNSURE, 520},
		{"x U 0.5 ", CLASSIFIER_NONE, 0},
		{"x U ", CLASSIFIER_NONE, 0},
		{"x U 2", CLASSIFIER_NONE, 0},
		{"x U 0.5x", CLASSIFIER_NONE, 0},
		{"x X 0.5", CLASSIFIER_NONE, 0},
		{"U 0.5", CLASSIFIER_NONE, 0},
		{"U", CLASSIFIER_NONE, 0},
		{"", CLASSIFIER_NONE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum classifier_verdict v = CLASSIFIER_NONE;
		unsigned n = 0;
		char *s = exact(cases[i].s, strlen(cases[i].s));
		bool good = classifier_parse(s, strlen(cases[i].s), &v, &n);

		assert_int_equal(good, cases[i].verdict != CLASSIFIER_NONE);
		if (good) {
			assert_int_equal(v, cases[i].verdict);
			assert_int_equal(n, cases[i].thousandths);
		}
		free(s);
	}
}

/* A script: path in a static buffer. */
static char const *
script(char const *text)
{
	static char path[] = "/tmp/classifier_test.XXXXXX";
	int fd;
	FILE *f;

	memcpy(path + sizeof path - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nPATH=/usr/bin:/bin\n%s", text);
	assert_int_equal(fchmod(fd, 0700), 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void
asked_again_and_again(void **state)
{
	char const *path = script("while read name; do\n"
				  "if grep -q buy $name; then echo x S 0.99\n"
				  "else echo x H 0.01; fi; done\n");
	struct classifier c;
	enum classifier_verdict v;
	unsigned n;

	(void)state;
	assert_true(classifier_start(&c, path, "/"));
	for (int i = 0; i < 3; i++) {
		assert_true(classifier_test(
			&c, "buy it, buy it", 14, 20000, &v, &n));
		assert_int_equal(v, CLASSIFIER_SPAM);
		assert_true(classifier_test(&c, "hello", 5, 20000, &v, &n));
		assert_int_equal(v, CLASSIFIER_HAM);
		assert_int_equal(n, 10);
	}
	classifier_end(&c);
	classifier_end(&c);
	unlink(path);
}

static void
trouble_is_told(void **state)
{
	struct classifier c;
	enum classifier_verdict v;
	unsigned n;
	char const *path;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_true(classifier_start(&c, "/nonexistent", "/"));
	assert_false(classifier_test(&c, "x", 1, 20000, &v, &n));
	classifier_end(&c);
	path = script("read name; sleep 1000\n");
	assert_true(classifier_start(&c, path, "/"));
	assert_false(classifier_test(&c, "x", 1, 100, &v, &n));
	assert_int_equal(errno, ETIMEDOUT);
	kill(c.pid, SIGKILL);
	classifier_end(&c);
	unlink(path);
	path = script("read name; echo nonsense; read name\n");
	assert_true(classifier_start(&c, path, "/"));
	assert_false(classifier_test(&c, "x", 1, 20000, &v, &n));
	assert_int_equal(errno, EPROTO);
	classifier_end(&c);
	unlink(path);
}

static void
lessons(void **state)
{
	char const *path = script("test \"$1\" = -s -a \"$2\" = -d || exit 3\n"
				  "test \"$(cat)\" = text || exit 3\n");

	(void)state;
	assert_true(
		classifier_learn(path, "/", CLASSIFIER_LEARN_SPAM, "text", 4));
	assert_false(
		classifier_learn(path, "/", CLASSIFIER_LEARN_HAM, "text", 4));
	assert_false(
		classifier_learn(path, "/", CLASSIFIER_LEARN_SPAM, "other", 5));
	unlink(path);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(asked_again_and_again),
		cmocka_unit_test(trouble_is_told),
		cmocka_unit_test(lessons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
