/* Tests mime/uutext.c: which lines of a text are a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mime/decode.h"
#include "mime/uutext.h"

#define CAT "begin 644 cat.txt\n#0V%T\n`\nend\n"

/* The files of s, pushed in pieces of `step` octets of their own blocks. */
static void
find(struct uutext *u, char const *s, size_t step)
{
	size_t const len = strlen(s);

	for (size_t pos = 0; pos < len; pos += step) {
		size_t const n = len - pos < step ? len - pos : step;
		char *const piece = malloc(n);

		assert_non_null(piece);
		memcpy(piece, s + pos, n);
		assert_true(uutext_push(u, piece, n));
		free(piece);
	}
	assert_true(uutext_finish(u));
}

static void
expect_file(struct uutext const *u, char const *s, size_t i, char const *lines,
	char const *name, char const *octets)
{
	struct uutext_file const *const f = uutext_get(u, i);
	size_t const start = (size_t)(strstr(s, lines) - s);
	struct decode d;
	char out[DECODE_ROOM(1024)];
	size_t n;

	assert_int_equal(f->start, start);
	assert_int_equal(f->end, start + strlen(lines));
	assert_int_equal(f->name_len, strlen(name));
	assert_memory_equal(u->names.s + f->name, name, f->name_len);
	decode_init(&d, STRUCTURE_UUENCODE);
	n = decode_push(&d, lines, strlen(lines), out);
	assert_int_equal(n, strlen(octets));
	assert_int_equal(f->size, n);
	assert_memory_equal(out, octets, n);
}

static void
test_files_in_a_text(void **state)
{
	static char const second[] =
		"begin 0755  a b \r\n\"0V$`\r\n`\r\nend\r\n";
	static char const s[] = "Here:\n\n" CAT "and\n\r\nbegin 644 cat\n" /* */
				"begin 0755  a b \r\n\"0V$`\r\n`\r\nend\r\n"
				"bye\n";

	(void)state;
	for (size_t step = 1; step <= sizeof s; step++) {
		struct uutext u = {0};

		find(&u, s, step);
		assert_int_equal(uutext_count(&u), 2);
		expect_file(&u, s, 0, CAT, "cat.txt", "Cat");
		expect_file(&u, s, 1, second, "a b", "Ca");
		uutext_free(&u);
	}
}

static void
test_forms_of_the_end(void **state)
{
	static char const *const texts[] = {CAT,
		"begin 644 cat.txt\n#0V%T\nend\n",     /* no empty line */
		"begin 644 cat.txt\n#0V%T\n\nend\n",   /* its blank cut off */
		"begin 644 cat.txt\n#0V%T\n \nend \n", /* blanks */
		"begin 644 cat.txt\n#0V%TX\n`\nend"};  /* checksum; no line end
							*/

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct uutext u = {0};

		find(&u, texts[i], 7);
		assert_int_equal(uutext_count(&u), 1);
		expect_file(&u, texts[i], 0, texts[i], "cat.txt", "Cat");
		uutext_free(&u);
	}
}

static void
test_what_is_text(void **state)
{
	static char const *const texts[] = {"", "begin", "begin 644 cat\n",
		"begin 644 cat\n#0V%T\n`\n",		  /* no end */
		"begin 644 cat\n#0V%T\nhidden\n`\nend\n", /* other lines */
		"begin 644 cat\n#0V%T\n`\nx\nend\n",
		"begin 644 cat\n#0V%\n`\nend\n",      /* cut short */
		"begin 644 cat\n#0V%T0V%T\n`\nend\n", /* too long */
		"begin 644 cat\n`\nend\n",	      /* nothing in it */
		"begin 644 cat\nend\n", "begin 644\n#0V%T\n`\nend\n",
		"begin 64 cat\n#0V%T\n`\nend\n",
		"begin 689 cat\n#0V%T\n`\nend\n",
		"begin with it\n#0V%T\n`\nend\n", " " CAT, "> " CAT,
		"Begin 644 cat\n#0V%T\n`\nend\n",
		"begin 644 cat\n#0V%T\n`\nend of it\n"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct uutext u = {0};

		find(&u, texts[i], 5);
		assert_int_equal(uutext_count(&u), 0);
		uutext_free(&u);
	}
}

static void
test_limits(void **state)
{
	struct uutext u = {0};

	(void)state;
	for (size_t i = 0; i < UUTEXT_FILES_MAX + 10; i++)
		assert_true(uutext_push(&u, CAT, strlen(CAT)));
	assert_true(uutext_finish(&u));
	assert_int_equal(uutext_count(&u), UUTEXT_FILES_MAX);
	assert_int_equal(u.names.len, UUTEXT_FILES_MAX * strlen("cat.txt"));
	uutext_free(&u);
	assert_true(uutext_push(&u, "begin 644 ", 10));
	for (size_t i = 0; i < UUTEXT_LINE_MAX; i++)
		assert_true(uutext_push(&u, "x", 1));
	assert_true(uutext_push(&u, "\n#0V%T\n`\nend\n", 13));
	assert_true(uutext_finish(&u));
	assert_int_equal(uutext_count(&u), 0);
	uutext_free(&u);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_files_in_a_text),
		cmocka_unit_test(test_forms_of_the_end),
		cmocka_unit_test(test_what_is_text),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("uutext", tests, NULL, NULL);
}
