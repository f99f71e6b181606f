/* local/answer.h, local/seen.h, local/filter.h: what a filter leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "local/answer.h"
#include "local/filter.h"
#include "local/forwardfile.h"
#include "local/seen.h"
#include "tests/unit/exact.h"

static char const *
refusal(char const *header, char const *sender)
{
	char *const s = exact(header, strlen(header));
	struct answer_facts const f = {.header = s,
		.header_len = strlen(header),
		.sender = sender,
		.sender_len = strlen(sender),
		.recipient = "kim+x@a.test",
		.recipient_len = 12,
		.hostname = "mx.a.test"};
	char const *const why = answer_refusal(&f, "kim@other.test k@b.test ");

	free(s);
	return why != NULL ? why : "";
}

static void
refusals(void **state)
{
	static struct {
		char const *header, *sender, *why;
	} const cases[] = {
		{"To: kim@a.test\r\n", "s@x.test", ""},
		{"To: Kim <KIM@A.test>\r\n", "s@x.test", ""},
		{"Cc: g: x@y.test, k@b.test;\r\n", "s@x.test", ""},
		{"Resent-To: kim@other.test\n", "s@x.test", ""},
		{"Bcc: kim+anything@a.test\n", "s@x.test", ""},
		{"To: kim@a.test\nAuto-Submitted: no\n", "s@x.test", ""},
		{"To: x@a.test\n", "s@x.test",
			"it was not addressed to its owner"},
		{"", "s@x.test", "it was not addressed to its owner"},
		{"To: kim@a.test\n", "", "it has no sender"},
		{"To: kim@a.test\n", "kim@a.test", "its sender is its owner"},
		{"To: kim@a.test\n", "k@b.test", "its sender is its owner"},
		{"To: kim@a.test\n", "mailer-daemon@x.test",
			"its sender is a program"},
		{"To: kim@a.test\n", "l-request@x.test",
			"its sender is a program"},
		{"To: kim@a.test\n", "owner-l@x.test",
			"its sender is a program"},
		{"To: kim@a.test\nList-Post: x\n", "s@x.test",
			"it came through a list"},
		{"Precedence:  bulk \nTo: kim@a.test\n", "s@x.test",
			"it is bulk mail"},
		{"Auto-Submitted: auto-generated; x=y\nTo: kim@a.test\n",
			"s@x.test", "a program has sent it"},
		{"Content-Type: multipart/report; a=b\nTo: kim@a.test\n",
			"s@x.test", "it is a report"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(refusal(cases[i].header, cases[i].sender),
			cases[i].why);
}

static void
answers(void **state)
{
	struct answer_facts const f = {
		.header = "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n"
			  "Message-ID: <2@x>\r\nReferences: <1@x>\r\n",
		.header_len = 76,
		.sender = "s@x.test",
		.sender_len = 8,
		.recipient = "kim@a.test",
		.recipient_len = 10,
		.now = 1017700200,
		.hostname = "mx.a.test"};
	struct sieve_action a = {.kind = SIEVE_DO_VACATION,
		.target = "away\r\n",
		.target_len = 6};
	stralloc out = STRALLOC_ZERO;

	(void)state;
	assert_true(answer_vacation(&out, &f, &a) && stralloc_0(&out));
	assert_non_null(strstr(out.s, "From: <kim@a.test>\nTo: <s@x.test>\n"
				      "Subject: Auto: =?utf-8?"));
	assert_non_null(strstr(out.s, "Date: Mon, 01 Apr 2002 22:30:00 +0000"));
	assert_non_null(strstr(out.s, "In-Reply-To: <2@x>\nReferences: <1@x>\n "
				      "<2@x>\n"));
	assert_non_null(strstr(out.s, "\n\naway\n"));
	out.len = 0;
	a.subject = "a\r\nBcc: x@y";
	a.from = "K, Kim <kim@a.test>, \"A B\" <c@d.test>";
	assert_true(answer_vacation(&out, &f, &a) && stralloc_0(&out));
	assert_null(strstr(out.s, "\nBcc:"));
	assert_non_null(strstr(out.s, ",\n A B <c@d.test>\n"));
	out.len = 0;
	a.is_mime = true;
	a.target = "Content-Type: text/html\n\n<p>\n";
	a.target_len = strlen(a.target);
	assert_true(answer_vacation(&out, &f, &a) && stralloc_0(&out));
	assert_non_null(strstr(out.s, "\nMIME-Version: 1.0\nContent-Type: "
				      "text/html\n\n<p>\n"));
	stralloc_free(&out);
}

static void
memory(void **state)
{
	char a[SEEN_HASH_SIZE], b[SEEN_HASH_SIZE];
	static char const text[] = "0123456789abcdef0123456789abcdef 17\n"
				   "nonsense\n"
				   "0123456789abcdef0123456789abcdeX 1x\n"
				   "0123456789abcdef0123456789abcdef 19\n"
				   "ffff456789abcdef0123456789abcdef 3";

	(void)state;
	seen_hash(a, SEEN_ANSWER, "ab", 2, "c", 1);
	seen_hash(b, SEEN_ANSWER, "a", 1, "bc", 2);
	assert_string_not_equal(a, b);
	seen_hash(b, SEEN_MESSAGE, "ab", 2, "c", 1);
	assert_string_not_equal(a, b);
	assert_int_equal(seen_find(text, sizeof text - 1,
				 "0123456789abcdef0123456789abcdef"),
		19);
	/* A line that was cut is none. */
	assert_int_equal(seen_find(text, sizeof text - 1,
				 "ffff456789abcdef0123456789abcdef"),
		0);
	assert_int_equal(seen_find("", 0, a), 0);
}

static void
spam(void **state)
{
	static struct {
		char const *added;
		bool is_junk;
		unsigned wanted;
	} const cases[] = {
		{"", false, 0},
		{"", true, 10},
		{"X-Spam: no; score=0\r\n", false, 1},
		{"X-Spam: no; score=-3\r\n", false, 1},
		{"X-Spam: no; score=4.5;\r\n A=4.5\r\n", false, 5},
		{"X-Spam: no; score=99\r\n", false, 7},
		{"X-Spam: yes; score=6\r\n", false, 8},
		{"X-Spam: yes; score=6\r\n", true, 10},
		{"X-Spam:\r\n", false, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t const len = strlen(cases[i].added);
		char *const s = exact(cases[i].added, len);

		assert_int_equal(
			filter_spam(s, len, cases[i].is_junk), cases[i].wanted);
		free(s);
	}
}

static void
forwards(void **state)
{
	static struct {
		char const *text, *script;
	} const cases[] = {
		{"", ""},
		{"a@b.test", "redirect \"a@b.test\";\n"},
		{"# x\n\n  Kim <a@b.test> \r\nKeep\n",
			"\n\nredirect \"a@b.test\";\nkeep;\n"},
		{"\"a\\\"b\"@c.test\n",
			"redirect \"\\\"a\\\\\\\"b\\\"@c.test\";\n"},
		{"|/bin/sh\n", "redirect \"no program can be run here\";\n"},
		{"a@b.test\"; discard; #\n", "redirect \"no address\";\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		stralloc out = STRALLOC_ZERO;
		char *const s = exact(cases[i].text, strlen(cases[i].text));

		assert_true(forwardfile_script(
				    &out, s, strlen(cases[i].text), NULL) &&
			    stralloc_0(&out));
		assert_string_equal(out.s, cases[i].script);
		stralloc_free(&out);
		free(s);
	}
}

static void
names_programs(void **state)
{
	static char const text[] = "|a b\nkeep\n # |c\n | d\r\n|";
	stralloc out = STRALLOC_ZERO, programs = STRALLOC_ZERO;
	char *const s = exact(text, strlen(text));

	(void)state;
	assert_true(forwardfile_script(&out, s, strlen(text), &programs) &&
		    stralloc_0(&out));
	assert_string_equal(out.s, "discard;\nkeep;\n\ndiscard;\ndiscard;\n");
	assert_int_equal(programs.len, 8);
	assert_memory_equal(programs.s, "a b\0 d\0", 8);
	stralloc_free(&programs);
	stralloc_free(&out);
	free(s);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(answers),
		cmocka_unit_test(memory),
		cmocka_unit_test(spam),
		cmocka_unit_test(forwards),
		cmocka_unit_test(names_programs),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
