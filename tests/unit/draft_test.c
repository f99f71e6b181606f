/* mime/draft, encode, flowed, safename, options, place, threads. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "mime/draft.h"
#include "mime/encode.h"
#include "mime/flowed.h"
#include "mime/options.h"
#include "mime/place.h"
#include "mime/safename.h"
#include "mime/threads.h"
#include "tests/unit/exact.h"

static struct {
	char const *name, *in, *out; /* out: of the header, or what is wrong */
	size_t line;
} const drafts[] = {
	{"a plain one", "From: a@b.c\nSubject: x\n\n",
		"From: a@b.c\nSubject: x\n", 0},
	{"CRLF and folds", "From: a@b.c\r\nSubject: x\r\n y\r\n\r\nz\r\n",
		"From: a@b.c\nSubject: x y\n", 0},
	{"encoded words", "From: J\xc3\xb6rn <a@b.c>\n\n",
		"From: =?utf-8?Q?J=C3=B6rn?= <a@b.c>\n", 0},
	{"a quoted name", "From: \"a, b\" <a@b.c>\n\n",
		"From: \"a, b\" <a@b.c>\n", 0},
	{"a group", "From: a@b.c\nTo: g: a@b.c, d@e.f;\n\n",
		"From: a@b.c\nTo: g: a@b.c, d@e.f;\n", 0},
	{"no value", "From: a@b.c\nCc:\nTo:  \n\n", "From: a@b.c\n", 0},
	{"more behind a tab in an address",
		"From: \"l: \"c@\"a@\tb>\xc3\xa4\n\n",
		"has an address that is not plain ASCII", 1},
	{"no header", "", "has no From field", 0},
	{"no field", "From: a@b.c\nx\n\n",
		"is no header field (an empty line ends the header)", 2},
	{"a body that is no UTF-8", "From: a@b.c\n\nx\n\xff\n",
		"is not valid UTF-8", 4},
};

static void
composes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof drafts / sizeof drafts[0]; i++) {
		size_t const len = strlen(drafts[i].in);
		char *s = exact(drafts[i].in, len);
		struct draft const d = {
			.s = s, .len = len, .id = "id", .boundary = "=_b"};
		struct draft_error e;
		stralloc out = STRALLOC_ZERO;
		bool const ok = draft_compose(&d, &out, &e);

		print_message("%s\n", drafts[i].name);
		if (ok) {
			size_t const n = strlen(drafts[i].out);

			assert_true(out.len > n);
			assert_memory_equal(out.s, drafts[i].out, n);
			assert_memory_equal(out.s + n, "Date: ", 6);
		} else {
			assert_non_null(e.what);
			assert_string_equal(e.what, drafts[i].out);
			assert_int_equal(e.line, drafts[i].line);
		}
		stralloc_free(&out);
		free(s);
	}
}

static void
chooses(void **state)
{
	(void)state;
	assert_int_equal(encode_choose("a\n", 2), ENCODE_7BIT);
	assert_int_equal(encode_choose("From a\n", 7), ENCODE_QUOTED);
	assert_int_equal(encode_choose("\xc3\xa4\n", 3), ENCODE_QUOTED);
}

static void
joins(void **state)
{
	static char const in[] = "> a \n> b\r\nx \n>> c\n- \n-- \nend ";
	static char const out[] = "> a b\r\nx \n>> c\n- \n-- \nend ";

	(void)state;
	/* Cut anywhere, the result is the same. */
	for (size_t cut = 0; cut < sizeof in; cut++) {
		char *a = exact(in, cut < sizeof in - 1 ? cut : sizeof in - 1);
		struct flowed f = {.delete_space = false};
		stralloc got = STRALLOC_ZERO;
		size_t const n = cut < sizeof in - 1 ? cut : sizeof in - 1;

		assert_true(flowed_push(&f, a, n, &got));
		assert_true(flowed_push(&f, in + n, sizeof in - 1 - n, &got));
		assert_true(flowed_finish(&f, &got));
		assert_int_equal(got.len, sizeof out - 1);
		assert_memory_equal(got.s, out, sizeof out - 1);
		stralloc_free(&got);
		free(a);
	}
}

static void
cleans(void **state)
{
	static char const *const cases[][2] = {{"a.txt", "a.txt"},
		{"../x", "x"}, {"..", ""}, {"/", ""}, {"", ""}, {"-rf", "rf"},
		{".. ..x. ", "x"}, {"a\\b c", "b c"}, {"a$b", "a_b"},
		{"\x1b[m", "_[[m"}, {"\xc3\xa4", "\xc3\xa4"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i][0]);
		char *s = exact(cases[i][0], len);
		stralloc out = STRALLOC_ZERO;

		assert_true(safename(s, len, &out) && stralloc_0(&out));
		assert_string_equal(out.s, cases[i][1]);
		stralloc_free(&out);
		free(s);
	}
}

static void
takes_options(void **state)
{
	static char const *const spec[] = {"a all", "d: dir", NULL};
	static char const *const line[] = {
		"-ad", "x", "--dir=y", "--all", "--", "-a"};
	static char const *const bad[][1] = {
		{"-x"}, {"-d"}, {"--dir"}, {"--all=x"}, {"--a"}};
	struct options o;
	size_t used;

	(void)state;
	assert_true(options_parse(line, 6, spec, &o, &used));
	assert_int_equal(used, 5);
	assert_int_equal(o.count, 4);
	assert_string_equal(options_value(&o, 'd', ""), "y");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(options_parse(bad[i], 1, spec, &o, &used));
}

static void
flags(void **state)
{
	char name[PLACE_NAME_MAX + 1], longest[PLACE_NAME_MAX + 1];

	(void)state;
	assert_true(place_rename("1.h", "SF", "", name));
	assert_string_equal(name, "1.h:2,FS");
	assert_true(place_rename("1.h:2,FSa,x", "R", "Fa", name));
	assert_string_equal(name, "1.h:2,RS,x");
	memset(longest, 'x', PLACE_NAME_MAX);
	longest[PLACE_NAME_MAX] = '\0';
	assert_false(place_rename(longest, "S", "", name));
}

static void
sorts(void **state)
{
	struct threads t = THREADS_ZERO;
	genalloc lines = GENALLOC_ZERO;
	char id[16];

	(void)state;
	/* A chain of many, the last one first. */
	for (uint32_t i = 5000; i-- > 0;) {
		char refs[32];

		(void)snprintf(id, sizeof id, "<%u>", i);
		(void)snprintf(refs, sizeof refs, "<x <%u>", i - 1);
		assert_true(threads_add(&t, i, i, id, strlen(id), refs,
			i > 0 ? strlen(refs) : 0));
	}
	assert_true(threads_sort(&t, &lines));
	assert_int_equal(genalloc_len(struct threads_line, &lines), 5000);
	for (uint32_t i = 0; i < 5000; i++) {
		assert_int_equal(
			genalloc_s(struct threads_line, &lines)[i].message, i);
		assert_int_equal(
			genalloc_s(struct threads_line, &lines)[i].depth, i);
	}
	genalloc_free(struct threads_line, &lines);
	threads_free(&t);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(composes),
		cmocka_unit_test(chooses),
		cmocka_unit_test(joins),
		cmocka_unit_test(cleans),
		cmocka_unit_test(takes_options),
		cmocka_unit_test(flags),
		cmocka_unit_test(sorts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
