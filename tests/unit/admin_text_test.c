/* common/admin/text: lines, comments and fields. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/text.h"

/* What a text says, as `LINE:field|field;`, `LINE!` for a refused line. */
static struct {
	char const *name, *text, *wanted;
} const texts[] = {
	{"nothing", "", ""},
	{"a line", "a b\n", "1:a|b;"},
	{"no newline at the end", "a b", "1:a|b;"},
	{"blanks and tabs", " \ta\t b \t\n", "1:a|b;"},
	{"empty lines are counted", "\n\n  \na\n", "4:a;"},
	{"comment line", "# a\n  # b\nc\n", "3:c;"},
	{"comment behind a blank", "a b # c d\n", "1:a|b;"},
	{"hash within a field", "a#b #\n", "1:a#b;"},
	{"carriage return", "a\r\nb\n", "1!2:b;"},
	{"control character in a comment", "a #\001\nb", "1:a;2:b;"},
	{"delete character", "a\177\n", "1!"},
	{"utf-8 stays", "\303\244 b\n", "1:\303\244|b;"},
};

static void
say(struct text *t, char *out)
{
	char *line, *field;
	size_t len, field_len;
	int r;

	*out = '\0';
	while ((r = text_line(t, &line, &len)) != 0) {
		out += sprintf(out, "%u%c", t->line, r < 0 ? '!' : ':');
		if (r < 0)
			continue;
		for (bool first = true;
			text_field(&line, &len, &field, &field_len);
			first = false) {
			assert_int_equal(strlen(field), field_len);
			out += sprintf(out, "%s%s", first ? "" : "|", field);
		}
		out += sprintf(out, ";");
	}
}

static void
lines_and_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t len = strlen(texts[i].text);
		char *s = malloc(len + 1), said[256];
		struct text t = {.path = NULL};
		assert_non_null(s);
		memcpy(s, texts[i].text, len);
		text_set(&t, s, len);
		say(&t, said);
		if (strcmp(said, texts[i].wanted) != 0)
			fail_msg("%s: %s", texts[i].name, said);
		text_free(&t);
	}
}

static void
missing_file_is_empty(void **state)
{
	struct text t;
	char *line;
	size_t len;

	(void)state;
	assert_true(text_read(&t, "/nonexistent", "nothing"));
	assert_false(t.exists);
	assert_int_equal(text_line(&t, &line, &len), 0);
	text_free(&t);
	assert_false(text_read(&t, "/", "tmp"));
	text_free(&t);
	text_free(&t);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(lines_and_fields),
		cmocka_unit_test(missing_file_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
