/* mime/structure: the tree, sizes, broken messages, limits. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <time.h>
#include "mime/structure.h"
#include "tests/unit/exact.h"

#define MULTIPART(b) "Content-Type: multipart/mixed; boundary=" b "\n\n"
#define MESSAGE "Content-Type: message/rfc822\n\n"

static struct structure_part parts[STRUCTURE_PARTS_MAX];

/*
 * The tree: a leaf is its body in quotes, a multipart {its parts}, a message
 * <what is in it>.
 */
static struct {
	char const *name, *message, *tree;
} const cases[] = {
	{"nothing", "", "''"},
	{"body only", "\nbody\n", "'body\n'"},
	{"header only", "A: b\n", "''"},
	{"plain", "A: b\n\nbody\n", "'body\n'"},
	{"two parts", MULTIPART("b") "--b\n\nx\n--b\nA: b\n\ny\nz\n--b--\n",
		"{'x''y\nz'}"},
	{"preamble and epilogue",
		MULTIPART("b") "pre\n--b\n\nx\n--b--\npost\n--b\n\ny\n",
		"{'x'}"},
	{"quoted boundary", MULTIPART("\"b c\"") "--b c\n\nx\n--b c--\n",
		"{'x'}"},
	{"escapes in the boundary", MULTIPART("\"b\\c\\\"\"") "--bc\"\n\nx\n",
		"{'x\n'}"},
	{"folded boundary", MULTIPART("\n \"b\"") "--b\n\nx\n--b--", "{'x'}"},
	{"no end", MULTIPART("b") "--b\n\nx\n", "{'x\n'}"},
	{"blanks behind the boundary", MULTIPART("b") "--b \t\n\nx\n--b-- \n",
		"{'x'}"},
	{"the line end belongs to the boundary",
		MULTIPART("b") "--b\n\nx\n\n--b--", "{'x\n'}"},
	{"empty part", MULTIPART("b") "--b\n\n--b\n--b--", "{''''}"},
	{"no empty line in a part", MULTIPART("b") "--b\nA: b\n--b--", "{''}"},
	{"no part", MULTIPART("b") "x\n", "{''}"},
	{"no boundary given", "Content-Type: multipart/mixed\n\n--\n\nx\n",
		"{''}"},
	{"empty boundary", MULTIPART("\"\"") "--\n\nx\n", "{''}"},
	{"a multipart in a multipart",
		MULTIPART("a") "--a\n" MULTIPART("b") "--b\n\nx\n--b--\n\n"
						      "--a\n\ny\n--a--",
		"{{'x'}'y'}"},
	{"the inner one does not end",
		MULTIPART("a") "--a\n" MULTIPART("b") "--b\n\nx\n--a\n\ny\n"
						      "--a--",
		"{{'x'}'y'}"},
	{"the inner one has the same boundary",
		MULTIPART("a") "--a\n" MULTIPART("a") "--a\n\nx\n--a--\n"
						      "--a\n\ny\n--a--",
		"{{'x'}'y'}"},
	{"one boundary starts with the other",
		MULTIPART("a") "--a\n" MULTIPART("ab") "--ab\n\nx\n--ab--\n"
						       "--a\n\ny\n--a--",
		"{{'x'}'y'}"},
	{"a message", MESSAGE "A: b\n\nx\n", "<'x\n'>"},
	{"a message in a part",
		MULTIPART("b") "--b\n" MESSAGE "A: b\n\nx\n--b--", "{<'x'>}"},
	{"a message's header only",
		MULTIPART("b") "--b\n" MESSAGE "A: b\n--b--", "{<''>}"},
	{"nothing in a message", MULTIPART("b") "--b\n" MESSAGE "--b--",
		"{<''>}"},
	{"a multipart in a message", MESSAGE MULTIPART("b") "--b\n\nx\n--b--",
		"<{'x'}>"},
	{"an end in a nested message",
		MULTIPART("a") "--a\n" MESSAGE MULTIPART("b") "--b\n\nx\n"
							      "--a--",
		"{<{'x'}>}"},
	{"global message", "Content-Type: MESSAGE/Global\n\n\nx", "<'x'>"},
	{"digest",
		"Content-Type: multipart/digest; boundary=b\n\n"
		"--b\n\nA: b\n\nx\n--b\nContent-Type: text/plain\n\ny\n--b--",
		"{<'x'>'y'}"},
	{"a type that is none", "Content-Type: multipart; boundary=b\n\n--b\n",
		"'--b\n'"},
	{"the first type counts",
		"Content-Type: text/plain\n" MULTIPART("b") "--b\n\nx\n",
		"'--b\n\nx\n'"},
	{"crlf",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		"--b\r\n\r\nx\r\n--b--\r\n",
		"{'x'}"},
	{"boundary in the text", MULTIPART("b") "--b\n\nx --b\n -- b\n--b--",
		"{'x --b\n -- b'}"},
};

static size_t
draw(char const *s, uint32_t i, char *out)
{
	static char const brackets[][3] = {"''", "{}", "<>"};
	struct structure_part const *part = &parts[i];
	size_t n = 0;

	out[n++] = brackets[part->kind][0];
	if (part->kind == STRUCTURE_LEAF) {
		memcpy(out + n, s + part->body_offset, part->body_len);
		n += part->body_len;
	}
	for (i = part->child; i != STRUCTURE_NONE; i = parts[i].next)
		n += draw(s, i, out + n);
	out[n++] = brackets[part->kind][1];
	out[n] = '\0';
	return n;
}

static void
trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].message);
		char *s = exact(cases[i].message, len);
		char got[500];

		print_message("%s\n", cases[i].name);
		structure_parse(s, len, parts, STRUCTURE_PARTS_MAX);
		draw(s, 0, got);
		assert_string_equal(got, cases[i].tree);
		free(s);
	}
}

/* The same message with LF, with CRLF: the same sizes. */
static void
sizes_are_those_of_crlf(void **state)
{
	static char const lf[] =
		"A: b\n" MULTIPART("b") "pre\n--b\n\nx\ny\n"
					"--b\n" MESSAGE "C: d\n\nz\n--b--\n";
	char crlf[2 * sizeof lf];
	struct structure_part other[10];
	size_t n = 0, count;

	(void)state;
	for (size_t i = 0; i < sizeof lf - 1; i++) {
		if (lf[i] == '\n')
			crlf[n++] = '\r';
		crlf[n++] = lf[i];
	}
	count = structure_parse(lf, sizeof lf - 1, parts, 10);
	assert_int_equal(structure_parse(crlf, n, other, 10), count);
	assert_int_equal(count, 4);
	assert_int_equal(parts[0].header_size + parts[0].body_size, n);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(parts[i].header_size, other[i].header_size);
		assert_int_equal(parts[i].header_size, other[i].header_len);
		assert_int_equal(parts[i].body_size, other[i].body_size);
		assert_int_equal(parts[i].body_size, other[i].body_len);
		assert_int_equal(parts[i].header_lines, other[i].header_lines);
		assert_int_equal(parts[i].body_lines, other[i].body_lines);
	}
	assert_int_equal(parts[1].body_size, 4);
	assert_int_equal(parts[1].body_lines, 1);
	assert_int_equal(parts[2].body_lines, 2);
}

static void
types(void **state)
{
	static char const message[] =
		"Content-Type: TEXT/Html (x); charset=x\n"
		"Content-Transfer-Encoding: (y) Quoted-Printable\n\n";
	char type[STRUCTURE_TYPE_MAX];

	(void)state;
	structure_parse(message, sizeof message - 1, parts, 1);
	structure_type(message, &parts[0], type);
	assert_string_equal(type, "text/html");
	assert_true(structure_is(message, &parts[0], "text/"));
	assert_true(structure_is(message, &parts[0], "text/html"));
	assert_false(structure_is(message, &parts[0], "text/htm"));
	assert_int_equal(parts[0].encoding, STRUCTURE_QUOTED_PRINTABLE);
	structure_parse("", 0, parts, 1);
	structure_type("", &parts[0], type);
	assert_string_equal(type, "text/plain");
}

static void
a_long_type_is_cut(void **state)
{
	char message[1000], type[STRUCTURE_TYPE_MAX];
	size_t n = (size_t)sprintf(message, "Content-Type: ");

	(void)state;
	memset(message + n, 'a', 400);
	n += 400;
	message[n++] = '/';
	memset(message + n, 'b', 400);
	n += 400;
	structure_parse(message, n, parts, 1);
	structure_type(message, &parts[0], type);
	assert_int_equal(strlen(type), STRUCTURE_TYPE_MAX - 1);
}

/* Repeat `unit` up to about `size` octets behind `start`, and parse. */
static size_t
bomb(char const *start, char const *unit, size_t size, size_t parts_max)
{
	size_t const head = strlen(start), n = strlen(unit);
	size_t const times = size / n;
	char *s = malloc(head + times * n);
	struct timespec before, after;
	size_t count;

	assert_non_null(s);
	memcpy(s, start, head);
	for (size_t i = 0; i < times; i++)
		memcpy(s + head + i * n, unit, n);
	clock_gettime(CLOCK_MONOTONIC, &before);
	count = structure_parse(s, head + times * n, parts, parts_max);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 3);
	assert_int_equal(
		parts[0].header_len + parts[0].body_len, head + times * n);
	free(s);
	return count;
}

static void
limits(void **state)
{
	size_t const mega = 1024 * 1024;

	(void)state;
	assert_int_equal(bomb("", MESSAGE, 4 * mega, STRUCTURE_PARTS_MAX),
		STRUCTURE_DEPTH_MAX);
	assert_true(parts[STRUCTURE_DEPTH_MAX - 1].opaque);
	assert_int_equal(
		bomb(MULTIPART("b"), "--b\n\n", 4 * mega, STRUCTURE_PARTS_MAX),
		STRUCTURE_PARTS_MAX);
	assert_int_equal(bomb(MULTIPART("b"), "--b\n\n", mega, 5), 5);
	/* The part where the limit was met has the rest as its body. */
	assert_true(parts[4].body_len > mega / 2);
	assert_int_equal(bomb("", MESSAGE, mega, 1), 1);
	assert_true(parts[0].opaque);
	assert_int_equal(bomb(MULTIPART("b"), "--b\n" MULTIPART("b"), mega,
				 STRUCTURE_PARTS_MAX),
		STRUCTURE_PARTS_MAX);
	assert_int_equal(bomb("", "A: b\n", 4 * mega, 100), 1);
	assert_int_equal(parts[0].header_len, mega / 5 * 5);
	assert_int_equal(
		bomb(MULTIPART("b"), "--b\nA: b\n\n", 4 * mega, 100), 100);
	/* Headers together, not each by itself. */
	assert_true(
		bomb(MULTIPART("b"),
			"--b\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
			"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
			"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
			"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
			"\n\n",
			4 * mega, STRUCTURE_PARTS_MAX) < STRUCTURE_PARTS_MAX);
	bomb("Content-Type: multipart/mixed; boundary=b;\n", " a=(\n", mega, 9);
	bomb(MULTIPART("b"), "--", 4 * mega, 9);
	bomb(MULTIPART("b"), "--\n", 4 * mega, 9);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(trees),
		cmocka_unit_test(sizes_are_those_of_crlf),
		cmocka_unit_test(types),
		cmocka_unit_test(a_long_type_is_cut),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
