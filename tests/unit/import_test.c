/* kereru import: mbox files, and what servers say. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/imap_reply.h"
#include "common/admin/mbox.h"
#include "tests/unit/exact.h"

/* Each message as "[flags]text|". */
static struct {
	char const *name, *mbox, *wanted;
} const files[] = {
	{"one", "From a\nS: x\n\nb\n", "[]S: x\r\n\r\nb\r\n|"},
	{"an empty line at the end divides", "From a\nS: x\n\nb\n\n",
		"[]S: x\r\n\r\nb\r\n|"},
	{"two", "From a\nS: x\n\nb\n\nFrom c\nS: y\n\n",
		"[]S: x\r\n\r\nb\r\n|[]S: y\r\n\r\n|"},
	{"CRLF", "From a\r\nS: x\r\n\r\nb\r\n", "[]S: x\r\n\r\nb\r\n|"},
	{"From behind text divides nothing", "From a\nS: x\n\nb\nFrom c\n",
		"[]S: x\r\n\r\nb\r\nFrom c\r\n|"},
	{"quoted", "From a\nS: x\n\n>From c\n>>From d\n>Fro\n",
		"[]S: x\r\n\r\nFrom c\r\n>From d\r\n>Fro\r\n|"},
	{"status", "From a\nStatus: RO\nX-Status: AFT\nS: x\n\n",
		"[\\Seen \\Answered \\Flagged \\Draft]S: x\r\n\r\n|"},
	{"keywords", "From a\nX-Keywords: a,b c\n\tfolded\nS: x\n\n",
		"[a b c]S: x\r\n\r\n|"},
	{"length", "From a\nContent-Length: 8\n\nb\n\nFrom\n\nFrom c\nS: y\n\n",
		"[]\r\nb\r\n\r\nFrom\r\n|[]S: y\r\n\r\n|"},
	{"a length that is not true",
		"From a\nContent-Length: 1\n\nb\n\nFrom c\n\n",
		"[]\r\nb\r\n|[]\r\n|"},
	{"a length beyond all", "From a\nContent-Length: 99999999999\n\nb\n",
		"[]\r\nb\r\n|"},
	{"a program's note", "From a\nX-IMAP: 1 2\n\nb\n\nFrom c\nS: y\n\n",
		"[]|[]S: y\r\n\r\n|"},
	{"deleted", "From a\nX-Mozilla-Status: 0009\nS: x\n\n", "[\\Seen]|"},
	{"no text", "From a\nS: x", "[]S: x\r\n|"},
	{"nothing", "\n\n", ""},
};

static void
an_mbox_file_is_divided(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct import_message m = {.text = STRALLOC_ZERO};
		size_t const len = strlen(files[i].mbox);
		char *const s = exact(files[i].mbox, len);
		stralloc out = STRALLOC_ZERO;
		size_t pos = 0;

		while (mbox_next(s, len, &pos, &m) > 0)
			assert_true(stralloc_cats(&out, "[") &&
				    stralloc_cats(&out, m.flags) &&
				    stralloc_cats(&out, "]") &&
				    stralloc_cat(&out, &m.text) &&
				    stralloc_cats(&out, "|"));
		assert_true(stralloc_0(&out));
		if (strcmp(out.s, files[i].wanted) != 0)
			fail_msg("%s: %s", files[i].name, out.s);
		stralloc_free(&out);
		stralloc_free(&m.text);
		free(s);
	}
}

static struct {
	char const *line;
	int date; /* -1: none */
} const dates[] = {
	{"From bob@x Thu Jan  1 00:00:10 1970\n\n", 10},
	{"From bob@x  Thu Jan  1 01:00:10 1970 +0100\n\n", 10},
	{"From \"a Mon b\"@x Thu Jan  1 00:00:10 1970\n\n", 10},
	{"From bob@x\n\n", -1},
	{"From Thu\n\n", -1},
};

static void
a_date_stands_behind_the_sender(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		struct import_message m = {.text = STRALLOC_ZERO};
		size_t const len = strlen(dates[i].line);
		char *const s = exact(dates[i].line, len);
		size_t pos = 0;

		assert_int_equal(mbox_next(s, len, &pos, &m), 1);
		assert_int_equal(m.has_date, dates[i].date >= 0);
		if (m.has_date)
			assert_int_equal(m.date, dates[i].date);
		stralloc_free(&m.text);
		free(s);
	}
}

static struct {
	char const *reply, *body; /* NULL: not read */
} const fetches[] = {
	{"* 1 FETCH (UID 7 BODY[] {3}\r\na)b)", "a)b"},
	{"* 1 FETCH (BODY[] {3}\r\n\"(b FLAGS (\\Seen) UID 7)", "\"(b"},
	{"* 1 FETCH (UID 7 BODY[] \"a\\\"b\")", "a\"b"},
	{"* 1 FETCH (X-GM (1 \")\" {1}\r\n() UID 7 BODY[HEADER.FIELDS (A B)] "
	 "NIL "
	 "BODY[] \"\")",
		""},
	{"* 1 FETCH (UID 7 INTERNALDATE \"never\" BODY[] {0}\r\n)", ""},
	{"* 1 FETCH (UID 7 BODY[] {9}\r\na)", NULL},
	{"* 1 FETCH (UID 7 BODY[] {99999999999}\r\na)", NULL},
	{"* 1 FETCH (UID 7", NULL},
	{"* 1 FETCH (UID)", NULL},
	{"* 1 FETCH ((((((", NULL},
	{"* 1 EXPUNGE", NULL},
};

static void
items_come_in_any_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof fetches / sizeof *fetches; i++) {
		size_t const len = strlen(fetches[i].reply);
		char *const s = exact(fetches[i].reply, len);
		struct imap_fetch f;
		char text[200];
		bool const ok = imap_reply_fetch(s, len, text, &f);

		if (ok != (fetches[i].body != NULL))
			fail_msg("%s", fetches[i].reply);
		if (ok) {
			assert_int_equal(f.uid, 7);
			assert_int_equal(f.body.len, strlen(fetches[i].body));
			assert_memory_equal(
				f.body.s, fetches[i].body, f.body.len);
		}
		free(s);
	}
}

static void
folders_have_names_of_ours(void **state)
{
	char name[BOXNAME_MAX + 1];

	(void)state;
	assert_true(import_name("a/b.c", 5, '/', name));
	assert_string_equal(name, "a.b_c");
	assert_true(import_name("a.b/c", 5, '.', name));
	assert_string_equal(name, "a.b_c");
	assert_true(import_name("inbox/x", 7, '/', name));
	assert_string_equal(name, "INBOX.x");
	assert_false(import_name("a\"b", 3, '/', name));
	assert_false(import_name("a//b", 4, '/', name));
	assert_false(import_name("a\xff", 2, '/', name));
}

static void
other_replies(void **state)
{
	static char const list[] =
		"* LIST (\\HasChildren \\Sent) \"/\" \"a b\"";
	static char const space[] = "* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL";
	struct lex_text prefix;
	struct imap_list l;
	char text[100];
	uint32_t n;

	(void)state;
	assert_true(imap_reply_list(list, sizeof list - 1, text, &l));
	assert_int_equal(l.separator, '/');
	assert_int_equal(l.name.len, 3);
	assert_true(imap_reply_has(&l.attributes, "\\sent"));
	assert_false(imap_reply_has(&l.attributes, "\\Sen"));
	assert_true(
		imap_reply_namespace(space, sizeof space - 1, text, &prefix));
	assert_int_equal(prefix.len, 6);
	n = 7;
	assert_false(imap_reply_exists("* 0 RECENT", 10, &n));
	assert_int_equal(n, 7);
	assert_true(imap_reply_exists("* 4 EXISTS", 10, &n));
	assert_int_equal(n, 4);
	assert_true(imap_reply_code(
		"* OK [UIDVALIDITY 12] x", 23, "UIDVALIDITY", &n));
	assert_int_equal(n, 12);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(an_mbox_file_is_divided),
		cmocka_unit_test(a_date_stands_behind_the_sender),
		cmocka_unit_test(items_come_in_any_order),
		cmocka_unit_test(folders_have_names_of_ours),
		cmocka_unit_test(other_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
