/* mime/section: names of sections and the bytes they mean. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "mime/section.h"
#include "tests/unit/exact.h"

/* The message of RFC 3501, 6.4.5, as far as it matters. */
static char const message[] = "Content-Type: multipart/mixed; boundary=a\n"
			      "Subject: top\n"
			      "\n"
			      "--a\n"
			      "X: 1\n"
			      "\n"
			      "one\n"
			      "--a\n"
			      "Content-Type: application/octet-stream\n"
			      "\n"
			      "two\n"
			      "--a\n"
			      "Content-Type: message/rfc822\n"
			      "X: 3\n"
			      "\n"
			      "Subject: inner\n"
			      "Content-Type: multipart/mixed; boundary=b\n"
			      "\n"
			      "--b\n"
			      "X: 3.1\n"
			      "\n"
			      "three.one\n"
			      "--b\n"
			      "Content-Type: message/rfc822\n"
			      "X: 3.2\n"
			      "\n"
			      "Subject: plain\n"
			      "\n"
			      "three.two\n"
			      "--b--\n"
			      "--a--\n";

/* NULL: the text is no section; "-": the message has no such part. */
static struct {
	char const *name, *bytes;
} const cases[] = {
	{"1", "one"},
	{"2", "two"},
	{"1.MIME", "X: 1\n\n"},
	{"1.mime]", "X: 1\n\n"},
	{"3.MIME", "Content-Type: message/rfc822\nX: 3\n\n"},
	{"3.HEADER", "Subject: inner\nContent-Type: multipart/mixed; "
		     "boundary=b\n\n"},
	{"3.1", "three.one"},
	{"3.1.MIME", "X: 3.1\n\n"},
	{"3.2", "Subject: plain\n\nthree.two"},
	{"3.2.HEADER", "Subject: plain\n\n"},
	{"3.2.HEADER.FIELDS (a)", "Subject: plain\n\n"},
	{"3.2.HEADER.FIELDS.NOT (a)", "Subject: plain\n\n"},
	{"3.2.TEXT", "three.two"},
	{"3.2.1", "three.two"},
	{"3.2.1.MIME", "Subject: plain\n\n"},
	{"HEADER", "Content-Type: multipart/mixed; boundary=a\n"
		   "Subject: top\n\n"},
	{"header.fields (x)", "Content-Type: multipart/mixed; boundary=a\n"
			      "Subject: top\n\n"},
	{"4", "-"},
	{"1.1", "-"},
	{"3.3", "-"},
	{"3.2.2", "-"},
	{"3.2.1.1", "-"},
	{"1.HEADER", "-"},
	{"1.TEXT", "-"},
	{"4294967295", "-"},
	{"4294967296", NULL},
	{"0", NULL},
	{"01", NULL},
	{"1.", NULL},
	{".1", NULL},
	{"1..2", NULL},
	{"1.x", NULL},
	{"MIME", NULL},
	{"1 ", NULL},
	{"HEADERS", NULL},
	{"HEADER.FIELDS.NOTE", NULL},
	{"HEADER ", NULL},
	{"HEADER.FIELDS]", NULL},
	{"TEXT.1", NULL},
	{"x", NULL},
	{"-1", NULL},
};

static void
sections(void **state)
{
	struct structure_part parts[20];
	size_t const count =
		structure_parse(message, sizeof message - 1, parts, 20);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].name);
		char *s = exact(cases[i].name, len);
		struct section section;
		struct section_span span;
		size_t used;

		print_message("%s\n", cases[i].name);
		if (!cases[i].bytes) {
			assert_false(section_parse(s, len, &section, &used));
		} else {
			assert_true(section_parse(s, len, &section, &used));
			if (section_find(&section, parts, count, &span)) {
				assert_int_equal(
					span.len, strlen(cases[i].bytes));
				assert_memory_equal(message + span.offset,
					cases[i].bytes, span.len);
				assert_true(span.size >= span.len);
			} else {
				assert_string_equal("-", cases[i].bytes);
			}
		}
		free(s);
	}
}

static void
find(char const *name, char const *s, size_t len, struct section_span *span)
{
	static struct structure_part parts[10];
	struct section section;
	size_t used;

	assert_true(section_parse(name, strlen(name), &section, &used));
	assert_int_equal(used, strlen(name));
	assert_true(section_find(
		&section, parts, structure_parse(s, len, parts, 10), span));
}

static void
all_and_text_of_a_plain_message(void **state)
{
	static char const plain[] = "A: b\n\nx\ny\n";
	struct section_span span;

	(void)state;
	find("", plain, 10, &span);
	assert_int_equal(span.offset, 0);
	assert_int_equal(span.len, 10);
	assert_int_equal(span.size, 14);
	find("TEXT", plain, 10, &span);
	assert_int_equal(span.offset, 6);
	assert_int_equal(span.size, 6);
	find("1", plain, 10, &span);
	assert_int_equal(span.offset, 6);
	find("1.MIME", plain, 10, &span);
	assert_int_equal(span.len, 6);
}

static void
a_path_has_its_limit(void **state)
{
	char text[2 * SECTION_PATH_MAX + 3];
	struct section section;
	size_t used, n = 0;

	(void)state;
	while (n < 2 * SECTION_PATH_MAX) {
		text[n++] = '1';
		text[n++] = '.';
	}
	assert_true(section_parse(text, n - 1, &section, &used));
	assert_int_equal(section.path_len, SECTION_PATH_MAX);
	text[n++] = '1';
	assert_false(section_parse(text, n, &section, &used));
}

static void
fields(void **state)
{
	static char const header[] = "From: a\nTo: b,\n c\r\njunk\nTOP: d\n"
				     "to: e";
	static struct section_name const names[] = {
		{"TO", 2}, {"x", 1}, {"", 0}};
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	assert_true(section_fields(
		&sa, header, sizeof header - 1, names, 3, false));
	assert_true(stralloc_0(&sa));
	assert_string_equal(sa.s, "To: b,\r\n c\r\nto: e\r\n\r\n");
	sa.len = 0;
	assert_true(
		section_fields(&sa, header, sizeof header - 1, names, 3, true));
	assert_true(stralloc_0(&sa));
	assert_string_equal(sa.s, "From: a\r\njunk\r\nTOP: d\r\n\r\n");
	stralloc_free(&sa);
}

static void
crlf(void **state)
{
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	assert_true(section_crlf(&sa, "\na\r\nb\n\n\rc", 9, false));
	assert_true(section_crlf(&sa, "\n", 1, false));
	assert_true(section_crlf(&sa, "\nx", 2, true));
	assert_true(stralloc_0(&sa));
	assert_string_equal(sa.s, "\r\na\r\nb\r\n\r\n\rc\r\n\nx");
	stralloc_free(&sa);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(sections),
		cmocka_unit_test(all_and_text_of_a_plain_message),
		cmocka_unit_test(a_path_has_its_limit),
		cmocka_unit_test(fields),
		cmocka_unit_test(crlf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
