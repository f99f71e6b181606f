/* imapd/base_subject.h, casemap.h, msgid.h, thread.h, search_return.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imapd/base_subject.h"
#include "imapd/casemap.h"
#include "imapd/forest.h"
#include "imapd/msgid.h"
#include "imapd/search_return.h"
#include "imapd/thread.h"
#include "tests/unit/exact.h"

static struct {
	char const *in, *out;
	bool reply;
} const subjects[] = {
	{"", "", false},
	{"hello", "hello", false},
	{"Re: hello", "hello", true},
	{"re : hello", "hello", true},
	{"FWD: RE: fw: hello", "hello", true},
	{"Re[2]: hello", "hello", true},
	{"Re [list] : hello", "hello", true},
	{"Reply: hello", "Reply: hello", false},
	{"[list] hello", "hello", false},
	{"[list] Re: hello", "hello", true},
	{"[a] [b] hello", "hello", false},
	{"[a] [b]", "[b]", false},
	{"[list]", "[list]", false},
	{"[a]Re: [b]", "[b]", true},
	{"hello (fwd)", "hello", true},
	{"hello (FWD) (fwd)  ", "hello", true},
	{"[Fwd: hello]", "hello", true},
	{"[fwd: [list] Re: hello (fwd)] ", "hello", true},
	{"[fwd: hello", "[fwd: hello", false},
	{"a \t b\r\n c", "a b c", false},
	{"Re:", "", true},
	{"Re: (fwd)", "", true},
	{"[unclosed re: x", "[unclosed re: x", false},
	{"re", "re", false},
	{"fwd", "fwd", false},
	{"[a[b] x", "[a[b] x", false},
};

static void
test_base_subject(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
		char *const s = exact(subjects[i].in, strlen(subjects[i].in));
		size_t start, len;
		bool reply;

		len = base_subject(s, strlen(subjects[i].in), &start, &reply);
		if (len != strlen(subjects[i].out) ||
			memcmp(s + start, subjects[i].out, len) != 0 ||
			reply != subjects[i].reply)
			fail_msg("%s: %.*s", subjects[i].in, (int)len,
				s + start);
		free(s);
	}
}

static struct {
	char const *in, *out;
} const keys[] = {
	{"aBc", "ABC"},
	{"\xc3\xa9", "E\xcc\x81"},	       /* e acute */
	{"\xc3\x89", "E\xcc\x81"},	       /* E acute */
	{"\xc3\x9f", "\xc3\x9f"},	       /* sharp s has no titlecase */
	{"\xce\xac", "\xce\x91\xcc\x81"},      /* alpha tonos */
	{"\xd1\x8f", "\xd0\xaf"},	       /* ya */
	{"\xe1\xba\xa5", "A\xcc\x82\xcc\x81"}, /* a circumflex acute */
	{"\xef\xbd\x81", "A"},		       /* full-width a */
	{"\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"}, /* gag */
	{"\xe2\x85\xb7", "VIII"}, /* small roman eight */
	{"\xff\xc3", "\xff\xc3"},
	{"\xe6\xbc\xa2", "\xe6\xbc\xa2"},
};

static void
test_casemap(void **state)
{
	stralloc out = STRALLOC_ZERO;

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		char *const s = exact(keys[i].in, strlen(keys[i].in));

		out.len = 0;
		assert_true(casemap_append(&out, s, strlen(keys[i].in)));
		if (out.len != strlen(keys[i].out) ||
			memcmp(out.s, keys[i].out, out.len) != 0)
			fail_msg("%zu: %.*s", i, (int)out.len, out.s);
		free(s);
	}
	stralloc_free(&out);
}

static void
ids_are(char const *in, char const *wanted)
{
	char *const s = exact(in, strlen(in));
	char out[MSGID_MAX], all[256] = "";
	size_t pos = 0, len;

	while ((len = msgid_next(s, strlen(in), &pos, out)) > 0) {
		strncat(all, out, len);
		strcat(all, ";");
	}
	assert_string_equal(all, wanted);
	free(s);
}

static void
test_message_ids(void **state)
{
	(void)state;
	ids_are("<a@b>", "a@b;");
	ids_are("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com> x <c@d>",
		"01KF8JCEOCBS0045PS@xxx.yyy.com;c@d;");
	ids_are("<a\r\n @b>", "a@b;");
	ids_are("<no-at> <a@b> <@b> <c@d", "a@b;");
	ids_are("<x <a@b>>", "a@b;");
	ids_are("\"Joe's message\" of Monday", "");
	ids_are("<\"a\\\">\"@b>", "a\">@b;");
	ids_are("<\"a@b>", "");
}

static uint32_t
plus_one(void const *arg, uint32_t message)
{
	(void)arg;
	return message + 1;
}

struct letter {
	char const *id, *references, *subject;
	int64_t date;
	bool reply;
};

static void
threads_are(enum thread_algorithm how, struct letter const *v, size_t count,
	char const *wanted)
{
	stralloc out = STRALLOC_ZERO;
	struct thread t;

	thread_init(&t, how);
	for (size_t i = 0; i < count; i++) {
		struct thread_message const m = {.message = (uint32_t)i,
			.date = v[i].date,
			.arrival = v[i].date,
			.id = v[i].id,
			.id_len = strlen(v[i].id),
			.references = v[i].references,
			.references_len = strlen(v[i].references),
			.subject = v[i].subject,
			.subject_len = strlen(v[i].subject),
			.reply = v[i].reply};

		assert_true(thread_add(&t, &m));
	}
	assert_true(thread_finish(&t));
	assert_true(thread_write(&t, plus_one, NULL, &out));
	assert_true(stralloc_0(&out));
	assert_string_equal(out.s, wanted);
	stralloc_free(&out);
	thread_free(&t);
}

static struct letter const chain[] = {
	{"<a@x>", "", "s", 1, false},
	{"<b@x>", "<a@x>", "t", 2, true},
	{"<d@x>", "<a@x><b@x><c@x>", "u", 5, true},
	{"<e@x>", "<a@x><b@x><c@x>", "v", 4, true},
	{"<f@x>", "<gone@x>", "w", 3, true},
	{"<g@x>", "<gone@x>", "y", 3, true},
	{"<h@x>", "<lost@x>", "z", 0, true},
};

static struct letter const loop[] = {
	{"<a@x>", "<b@x>", "s", 1, false},
	{"<b@x>", "<a@x>", "t", 2, false},
	{"<c@x>", "<c@x>", "u", 3, false},
};

static struct letter const same[] = {
	{"", "", "s", 2, true},
	{"", "", "s", 3, false},
	{"", "", "", 4, false},
	{"", "", "", 5, false},
	{"", "", "r", 6, false},
	{"", "", "r", 7, false},
	{"<a@x>", "", "q", 8, false},
	{"<a@x>", "", "p", 1, false},
};

static void
test_threads(void **state)
{
	(void)state;
	threads_are(THREAD_REFERENCES, chain, 7, "(7)(1 2 (4)(3))((5)(6))");
	threads_are(THREAD_REFS, chain, 7, "(7)((5)(6))(1 2 (4)(3))");
	threads_are(THREAD_REFERENCES, loop, 3, "(2 1)(3)");
	threads_are(THREAD_REFERENCES, same, 8, "(8)(2 1)(3)(4)((5)(6))(7)");
	threads_are(THREAD_ORDEREDSUBJECT, same, 8, "(8)(1 2)(3 4)(5 6)(7)");
	threads_are(THREAD_REFERENCES, chain, 0, "");
}

/* Against a plain array of parents. */
static void
test_forest(void **state)
{
	enum { COUNT = 60 };
	uint32_t parents[COUNT];
	struct forest f = {0};
	uint32_t random = 12345;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		parents[i] = FOREST_NONE;
		assert_true(forest_add(&f));
	}
	for (int n = 0; n < 20000; n++) {
		uint32_t a, b, top;

		random = random * 1664525 + 1013904223;
		a = random >> 8 & 0xff;
		b = random >> 16 & 0xff;
		a %= COUNT;
		b %= COUNT;
		for (top = b; parents[top] != FOREST_NONE;)
			top = parents[top];
		assert_int_equal(forest_root(&f, b), top);
		if (random >> 30 == 0) {
			forest_cut(&f, a);
			parents[a] = FOREST_NONE;
		} else if (parents[a] == FOREST_NONE && top != a) {
			forest_link(&f, a, b);
			parents[a] = b;
		}
	}
	forest_free(&f);
}

static struct {
	char const *in;
	bool ok;
} const returns[] = {
	{" RETURN ()", true},
	{" RETURN (MIN MAX COUNT ALL SAVE)", true},
	{" return (partial 1:10)", true},
	{" RETURN (PARTIAL -1:-10 MIN)", true},
	{" RETURN (PARTIAL 1:10 ALL)", false},
	{" RETURN (PARTIAL 0:10)", false},
	{" RETURN (PARTIAL -1:10)", false},
	{" RETURN (PARTIAL 1:*)", false},
	{" RETURN (OTHER)", false},
	{" RETURN (MIN", false},
	{" RETURN", false},
	{" ALL", true},
};

static void
test_return(void **state)
{
	struct search_return r = {0};
	size_t from, to;

	(void)state;
	for (size_t i = 0; i < sizeof returns / sizeof *returns; i++) {
		size_t const len = strlen(returns[i].in);
		char *const s = exact(returns[i].in, len);
		char text[64];
		struct lex l;

		lex_init(&l, s, len, text);
		if (search_return_lex(&l, &r) != returns[i].ok)
			fail_msg("%s", returns[i].in);
		free(s);
	}
	r = (struct search_return){.first = 3, .last = 2};
	search_return_window(&r, 10, &from, &to);
	assert_true(from == 1 && to == 3);
	search_return_window(&r, 2, &from, &to);
	assert_true(from == 1 && to == 2);
	search_return_window(&r, 1, &from, &to);
	assert_true(from == to);
	r = (struct search_return){.from_end = true, .first = 1, .last = 4};
	search_return_window(&r, 10, &from, &to);
	assert_true(from == 6 && to == 10);
	search_return_window(&r, 3, &from, &to);
	assert_true(from == 0 && to == 3);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_base_subject),
		cmocka_unit_test(test_casemap),
		cmocka_unit_test(test_message_ids),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_forest),
		cmocka_unit_test(test_return),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
