/* common/admin/check/finding: what is printed, whatever a child has sent. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/check/finding.h"

static char *
print(struct finding const *f, bool is_json)
{
	char *s = NULL;
	size_t len = 0;
	struct finding_printer p = {
		open_memstream(&s, &len), "kereru -c /etc/k", is_json};

	assert_non_null(p.out);
	finding_print(&p, "modes", f);
	assert_int_equal(fclose(p.out), 0);
	return s;
}

static struct finding
make(enum finding_kind kind, char const *subject, char const *word)
{
	struct finding f = {.kind = kind};

	snprintf(f.subject, sizeof f.subject, "%s", subject);
	snprintf(f.word[0], sizeof f.word[0], "%s", word);
	snprintf(f.word[1], sizeof f.word[1], "%s", word);
	return f;
}

static void
test_a_path_is_told_and_put_into_the_command(void **state)
{
	struct finding f = make(FIND_PATH_MODE, "/var/lib/x", "0700");
	char *s = print(&f, false);

	(void)state;
	assert_non_null(strstr(s, "/var/lib/x: has mode 0700"));
	assert_non_null(strstr(s, "[path-mode]\n"));
	assert_non_null(strstr(s, "\n    # chmod 0700 /var/lib/x\n"));
	free(s);
}

static void
test_what_a_shell_would_read_is_quoted(void **state)
{
	static char const *const subjects[] = {"a;reboot", "$(reboot)", "`x`",
		"-rf", "a b", "it's", "", "x&&y", "a>b", "~root", "*", "#"};
	static char const *const quoted[] = {"'a;reboot'", "'$(reboot)'",
		"'`x`'", "'-rf'", "'a b'", "'it'\\''s'", "''", "'x&&y'",
		"'a>b'", "'~root'", "'*'", "'#'"};

	(void)state;
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
		struct finding f = make(FIND_MAILDIR_OPEN, subjects[i], "0755");
		char *s = print(&f, false), wanted[100];
		snprintf(wanted, sizeof wanted, "# chmod 0700 %s\n", quoted[i]);
		assert_non_null(strstr(s, wanted));
		free(s);
	}
}

static void
test_a_line_is_told_and_opened(void **state)
{
	struct finding f = make(FIND_TEXT_FAULT, "/etc/k/users", "is odd");
	char *s;

	(void)state;
	f.line = 7;
	s = print(&f, false);
	assert_non_null(strstr(s, "/etc/k/users:7: is odd [text-fault]"));
	assert_non_null(strstr(s, "${EDITOR:-vi} +7 /etc/k/users && "
				  "kereru -c /etc/k compile"));
	free(s);
	s = print(&f, true);
	assert_non_null(strstr(s, "\"line\":7,\"what\":\"is odd\""));
	free(s);
}

static void
test_braces_in_a_word_mean_nothing(void **state)
{
	struct finding f = make(FIND_TEXT_FAULT, "{1}", "{s}{1}{k}");
	char *s = print(&f, false);

	(void)state;
	assert_non_null(strstr(s, "{1}: {s}{1}{k} [text-fault]"));
	free(s);
}

static void
test_what_comes_from_a_child_is_made_clean(void **state)
{
	struct finding f;

	(void)state;
	memset(&f, 'x', sizeof f);
	f.kind = FIND_QUEUE_TORN;
	f.subject[0] = '\x1b';
	f.subject[1] = '\n';
	f.subject[2] = '\x80';
	assert_true(finding_clean(&f));
	assert_int_equal(strlen(f.subject), sizeof f.subject - 1);
	assert_memory_equal(f.subject, "???x", 4);
	assert_int_equal(strlen(f.word[2]), sizeof f.word[2] - 1);
	f.kind = FINDING_KINDS;
	assert_false(finding_clean(&f));
	f.kind = UINT32_MAX;
	assert_false(finding_clean(&f));
}

static void
test_every_kind_has_its_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < FINDING_KINDS; i++) {
		struct finding f = make((enum finding_kind)i, "s", "w");
		struct finding_text const *t = &finding_texts[i];
		char *s;
		assert_non_null(t->name);
		assert_true(t->weight == FINDING_WARNING ||
			    t->weight == FINDING_FAULT);
		assert_true(t->section != NULL || i == FIND_UNEXAMINED);
		s = print(&f, true);
		assert_null(strstr(s, "{1}"));
		assert_null(strstr(s, "{s}"));
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_a_path_is_told_and_put_into_the_command),
		cmocka_unit_test(test_what_a_shell_would_read_is_quoted),
		cmocka_unit_test(test_a_line_is_told_and_opened),
		cmocka_unit_test(test_braces_in_a_word_mean_nothing),
		cmocka_unit_test(test_what_comes_from_a_child_is_made_clean),
		cmocka_unit_test(test_every_kind_has_its_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
