/* remote/reply.h: only what has the form of a reply is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "remote/reply.h"

static struct reply reply;
static size_t used;

static int
parse(char const *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	int r;

	memcpy(copy, text, len);
	used = 0;
	r = reply_parse(copy, len, &reply, &used);
	free(copy);
	return r;
}

static void
replies(void **state)
{
	static struct {
		char const *name, *text;
		int result;
		unsigned code;
		char const *clean;
	} const cases[] = {
		{"one line", "250 ok\r\n", 1, 250, "250 ok"},
		{"LF alone", "250 ok\n", 1, 250, "250 ok"},
		{"no text", "354\r\n", 1, 354, "354"},
		{"a blank and no text", "250 \r\n", 1, 250, "250"},
		{"lines", "250-a\r\n250-b\r\n250 c\r\n", 1, 250, "250 a b c"},
		{"last line bare", "250-a\r\n250\r\n", 1, 250, "250 a"},
		{"enhanced code once", "550-5.1.1 no\r\n550 5.1.1 user\r\n", 1,
			550, "550 5.1.1 no user"},
		{"two enhanced codes", "550-5.1.1 no\r\n550 5.7.1 x\r\n", 1,
			550, "550 5.1.1 no 5.7.1 x"},
		{"foreign octets", "550 \x1b[1m\xff\t\r\n", 1, 550,
			"550 ?[1m??"},
		{"empty", "", 0, 0, NULL},
		{"unfinished", "250 ok\r", 0, 0, NULL},
		{"unfinished lines", "250-a\r\n250", 0, 0, NULL},
		{"a code of 9", "999 no\r\n", -1, 0, NULL},
		{"a code of 1", "150 no\r\n", -1, 0, NULL},
		{"a second digit of 6", "560 no\r\n", -1, 0, NULL},
		{"two digits", "25\r\n", -1, 0, NULL},
		{"four digits", "2500 x\r\n", -1, 0, NULL},
		{"no digits", "HTTP/1.1 400 Bad\r\n", -1, 0, NULL},
		{"empty line", "\r\n", -1, 0, NULL},
		{"code changes", "250-a\r\n550 b\r\n", -1, 0, NULL},
		{"blank in front", " 250 a\r\n", -1, 0, NULL},
		{"another separator", "250+a\r\n", -1, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].name);
		size_t len = strlen(cases[i].text);
		assert_int_equal(parse(cases[i].text, len), cases[i].result);
		if (cases[i].result <= 0)
			continue;
		assert_int_equal(used, len);
		assert_int_equal(reply.code, cases[i].code);
		assert_string_equal(reply.text, cases[i].clean);
	}
}

static void
enhanced_codes(void **state)
{
	static struct {
		char const *text;
		bool has;
	} const cases[] = {{"550 5.1.1 no\r\n", true}, {"550 5.1.1\r\n", true},
		{"450 4.999.999 x\r\n", true}, {"550 4.1.1 x\r\n", false},
		{"550 5.1 x\r\n", false}, {"550 5.1.1.1 x\r\n", false},
		{"550 5.1.1x\r\n", false}, {"550 5.1000.1 x\r\n", false},
		{"550 5..1 x\r\n", false}, {"550\r\n", false}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(
			parse(cases[i].text, strlen(cases[i].text)), 1);
		assert_int_equal(reply.has_enhanced, cases[i].has);
	}
	assert_int_equal(parse("552 5.5.3 x\r\n", 13), 1);
	assert_int_equal(reply.enhanced[0], 5);
	assert_int_equal(reply.enhanced[1], 5);
	assert_int_equal(reply.enhanced[2], 3);
}

static void
only_the_first_reply_is_taken(void **state)
{
	(void)state;
	assert_int_equal(parse("250 a\r\n550 b\r\n", 14), 1);
	assert_int_equal(reply.code, 250);
	assert_int_equal(used, 7);
}

static void
nul_is_text(void **state)
{
	(void)state;
	assert_int_equal(parse("250 a\0b\r\n", 9), 1);
	assert_string_equal(reply.text, "250 a?b");
	assert_int_equal(parse("25\0 a\r\n", 7), -1);
}

static void
text_and_lines_are_bounded(void **state)
{
	static char text[8192];
	size_t len = 0;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "550 ", 4);
	memcpy(text + sizeof text - 2, "\r\n", 2);
	assert_int_equal(parse(text, sizeof text), 1);
	assert_int_equal(reply.text_len, REPLY_TEXT_MAX);
	for (int i = 0; i < REPLY_LINES_MAX; i++, len += 6)
		memcpy(text + len, "250-a\n", 6);
	memcpy(text + len - 6, "250 a\n", 6);
	assert_int_equal(parse(text, len), 1);
	memcpy(text + len - 6, "250-a\n250 b\n", 12);
	assert_int_equal(parse(text, len + 6), -1);
}

static void
announcements(void **state)
{
	static char const text[] = "250-Mail.Example.ORG Hello\r\n"
				   "250-pipelining\r\n"
				   "250-SIZE 52428800\r\n"
				   "250-8BITMIME\r\n"
				   "250-STARTTLSX\r\n"
				   "250-SMTPUTF8 x\r\n"
				   "250 HELP\r\n";
	struct reply_ehlo e;

	(void)state;
	reply_ehlo(text, sizeof text - 1, &e);
	assert_string_equal(e.name, "Mail.Example.ORG");
	assert_true(e.pipelining);
	assert_true(e.size);
	assert_int_equal(e.size_max, 52428800);
	assert_true(e.eightbit);
	assert_false(e.starttls);
	assert_true(e.utf8);
	/* A name is no announcement, and a size too long none at all. */
	reply_ehlo("250-STARTTLS\r\n250 SIZE 99999999999999999999\r\n", 46, &e);
	assert_false(e.starttls);
	assert_true(e.size);
	assert_int_equal(e.size_max, 0);
	reply_ehlo("250\r\n", 5, &e);
	assert_string_equal(e.name, "");
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(replies),
		cmocka_unit_test(enhanced_codes),
		cmocka_unit_test(only_the_first_reply_is_taken),
		cmocka_unit_test(nul_is_text),
		cmocka_unit_test(text_and_lines_are_bounded),
		cmocka_unit_test(announcements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
