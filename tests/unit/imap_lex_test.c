/* imapd/lex.h, set.h, command.h, reader's limits aside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imapd/command.h"
#include "imapd/lex.h"
#include "imapd/set.h"

static char *copy, *text;

/* The input in a block of exactly its size. */
static struct lex
start(char const *s, size_t len)
{
	struct lex l;

	free(copy);
	free(text);
	copy = malloc(len > 0 ? len : 1);
	text = malloc(len > 0 ? len : 1);
	assert_non_null(copy);
	memcpy(copy, s, len);
	lex_init(&l, copy, len, text);
	return l;
}

static struct {
	char const *name, *in, *wanted; /* NULL: refused */
} const astrings[] = {
	{"atom", "INBOX", "INBOX"},
	{"atom ends at a blank", "a b", "a"},
	{"a closing bracket may stand in it", "a]b", "a]b"},
	{"quoted", "\"a b\" c", "a b"},
	{"empty quoted", "\"\"", ""},
	{"quoted with backslashes", "\"a\\\"b\\\\c\"", "a\"b\\c"},
	{"other escapes are none", "\"a\\b\"", NULL},
	{"quoted without end", "\"abc", NULL},
	{"backslash at the end", "\"abc\\", NULL},
	{"quoted over lines", "\"a\r\nb\"", NULL},
	{"literal", "{3}\r\na\"b", "a\"b"},
	{"non-synchronizing literal", "{3+}\r\n\r\nx", "\r\nx"},
	{"empty literal", "{0}\r\n", ""},
	{"literal longer than the command", "{4}\r\nabc", NULL},
	{"huge literal", "{99999999999999999999}\r\nabc", NULL},
	{"literal without line end", "{3}abc", NULL},
	{"8-bit octets are no atom", "\xc3\xa9", NULL},
	{"8-bit octets in quotes", "\"\xc3\xa9\"", "\xc3\xa9"},
	{"wildcards are no astring", "*", NULL},
	{"parenthesis", "(", NULL},
	{"nothing", "", NULL},
};

static void
reads_astrings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof astrings / sizeof *astrings; i++) {
		struct lex l = start(astrings[i].in, strlen(astrings[i].in));
		struct lex_text got;
		bool const ok = lex_astring(&l, &got);

		if (ok != (astrings[i].wanted != NULL))
			fail_msg("%s", astrings[i].name);
		if (!ok)
			continue;
		if (got.len != strlen(astrings[i].wanted) ||
			memcmp(got.s, astrings[i].wanted, got.len) != 0)
			fail_msg("%s", astrings[i].name);
	}
}

static void
refuses_nul_in_literals(void **state)
{
	struct lex l = start("{3}\r\na\0b", 8);
	struct lex_text got;

	(void)state;
	assert_false(lex_astring(&l, &got));
}

static struct {
	char const *in;
	int64_t wanted; /* -1: refused */
} const times[] = {
	{"\"17-Jul-1996 02:44:25 -0700\"", 837596665},
	{"\" 1-Jan-1970 00:00:00 +0000\"", 0},
	{"\"01-jan-1970 00:00:59 +0000\"", 59},
	{"\"29-Feb-2000 12:00:00 +0130\"", 951820200},
	{"\"32-Jan-1970 00:00:00 +0000\"", -1},
	{"\"1-Foo-1970 00:00:00 +0000\"", -1},
	{"\"1-Jan-1970 24:00:00 +0000\"", -1},
	{"\"1-Jan-1970 00:00:00\"", -1},
	{"1-Jan-1970 00:00:00 +0000", -1},
	{"\"1-Jan-197", -1},
};

static void
reads_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct lex l = start(times[i].in, strlen(times[i].in));
		int64_t got = -1;
		bool const ok = lex_date_time(&l, &got);

		if (!ok)
			got = -1;
		if (got != times[i].wanted)
			fail_msg("%s: %lld", times[i].in, (long long)got);
	}
}

static struct {
	char const *in;
	bool found, synchronizing;
	uint64_t size;
} const literals[] = {
	{"a login {5}", true, true, 5},
	{"a login {5+}", true, false, 5},
	{"{0}", true, true, 0},
	{"{4294967296}", true, true, UINT64_MAX},
	{"{99999999999999999999999999+}", true, false, UINT64_MAX},
	{"a {}", false, true, 0},
	{"a {+}", false, true, 0},
	{"a {5", false, true, 0},
	{"5}", false, true, 0},
	{"+}", false, true, 0},
	{"}", false, true, 0},
	{"", false, true, 0},
};

static void
finds_literals_at_the_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
		struct lex const l =
			start(literals[i].in, strlen(literals[i].in));
		uint64_t size = 0;
		bool synchronizing = true;
		bool const found =
			lex_literal(l.s, l.len, &size, &synchronizing);

		if (found != literals[i].found ||
			(found && (size != literals[i].size ||
					  synchronizing !=
						  literals[i].synchronizing)))
			fail_msg("%s", literals[i].in);
	}
}

static void
reads_sets(void **state)
{
	static char const *const good[] = {
		"1", "*", "1:*", "*:1", "1,2:3,*", "4294967295"};
	static char const *const bad[] = {
		"", "0", "1:", ":1", "1,", ",", "a", "4294967296", "1:0"};
	struct lex_text set;
	uint32_t first, last;
	size_t pos = 0;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct lex l = start(good[i], strlen(good[i]));

		if (!set_lex(&l, &set) || l.pos != l.len)
			fail_msg("%s", good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct lex l = start(bad[i], strlen(bad[i]));

		if (set_lex(&l, &set) && l.pos == l.len)
			fail_msg("%s", bad[i]);
	}

	struct lex l = start("5:2,*", 5);

	assert_true(set_lex(&l, &set));
	assert_true(set_range(&set, &pos, 9, &first, &last));
	assert_int_equal(first, 2);
	assert_int_equal(last, 5);
	assert_true(set_range(&set, &pos, 9, &first, &last));
	assert_int_equal(first, 9);
	assert_int_equal(last, 9);
	assert_false(set_range(&set, &pos, 9, &first, &last));
}

static struct {
	char const *in;
	bool ok, uid;
	enum command_verb verb;
} const commands[] = {
	{"a1 noop\r\n", true, false, COMMAND_NOOP},
	{"a1 UID fetch 1 flags\r\n", true, true, COMMAND_FETCH},
	{"a1 uid noop\r\n", true, true, COMMAND_UNKNOWN},
	{"a1 foo\r\n", true, false, COMMAND_UNKNOWN},
	{"a1\r\n", false, false, 0},
	{"a1 \r\n", false, false, 0},
	{"a+ noop\r\n", false, false, 0},
	{" noop\r\n", false, false, 0},
	{"", false, false, 0},
};

static void
reads_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct lex const l =
			start(commands[i].in, strlen(commands[i].in));
		struct command c;
		bool const ok = command_parse(l.s, l.len, text, &c);

		if (ok != commands[i].ok ||
			(ok && (c.verb != commands[i].verb ||
				       c.uid != commands[i].uid)))
			fail_msg("%s", commands[i].in);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(reads_astrings),
		cmocka_unit_test(refuses_nul_in_literals),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(finds_literals_at_the_end),
		cmocka_unit_test(reads_sets),
		cmocka_unit_test(reads_commands),
	};
	int const failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(copy);
	free(text);
	return failed;
}
