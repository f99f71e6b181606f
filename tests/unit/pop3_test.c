/* pop3d's pure parts: command, filename, lines */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "pop3d/command.h"
#include "pop3d/filename.h"
#include "pop3d/lines.h"

static char *
exact(char const *s, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, s, len);
	return copy;
}

#define BAD (-1)

static void
commands(void **state)
{
	static struct {
		char const *line;
		int verb; /* BAD, or -2: arguments */
		unsigned count;
		uint32_t a, b;
		char const *text;
	} const cases[] = {
		{"STAT", POP3_STAT, 0, 0, 0, ""},
		{"stat", POP3_STAT, 0, 0, 0, ""},
		{"Stat  ", POP3_STAT, 0, 0, 0, NULL},
		{"STAT 1", -2, 0, 0, 0, NULL},
		{"STATX", BAD, 0, 0, 0, NULL},
		{"STA", BAD, 0, 0, 0, NULL},
		{"", BAD, 0, 0, 0, NULL},
		{" STAT", BAD, 0, 0, 0, NULL},
		{"LIST", POP3_LIST, 0, 0, 0, ""},
		{"LIST 7", POP3_LIST, 1, 7, 0, "7"},
		{"LIST 7 8", -2, 0, 0, 0, NULL},
		{"RETR", -2, 0, 0, 0, NULL},
		{"RETR 1", POP3_RETR, 1, 1, 0, NULL},
		{"RETR  1 ", POP3_RETR, 1, 1, 0, NULL},
		{"RETR -1", -2, 0, 0, 0, NULL},
		{"RETR 1x", -2, 0, 0, 0, NULL},
		{"RETR 4294967295", POP3_RETR, 1, UINT32_MAX, 0, NULL},
		{"RETR 4294967296", -2, 0, 0, 0, NULL},
		{"RETR 99999999999999999999999999", -2, 0, 0, 0, NULL},
		{"TOP 1 0", POP3_TOP, 2, 1, 0, NULL},
		{"TOP 3 20", POP3_TOP, 2, 3, 20, NULL},
		{"TOP 3", -2, 0, 0, 0, NULL},
		{"TOP 3 20 1", -2, 0, 0, 0, NULL},
		{"USER", -2, 0, 0, 0, NULL},
		{"USER alice@kereru.test", POP3_USER, 0, 0, 0,
			"alice@kereru.test"},
		{"PASS  two blanks ", POP3_PASS, 0, 0, 0, " two blanks "},
		{"PASS ", -2, 0, 0, 0, NULL},
		{"AUTH", POP3_AUTH, 0, 0, 0, ""},
		{"AUTH PLAIN AGEAYg==", POP3_AUTH, 0, 0, 0, "PLAIN AGEAYg=="},
		{"GET / HTTP/1.1", POP3_HTTP, 0, 0, 0, NULL},
		{"post /", POP3_HTTP, 0, 0, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = strlen(cases[i].line);
		char *line = exact(cases[i].line, len);
		enum pop3_command_error err;
		struct pop3_command c;
		bool ok = pop3_command_parse(line, len, &c, &err);

		if (ok != (cases[i].verb >= 0))
			fail_msg("%s", cases[i].line);
		if (!ok)
			assert_int_equal(err, cases[i].verb == BAD
						      ? POP3_ERR_UNKNOWN
						      : POP3_ERR_ARGUMENTS);
		if (ok) {
			assert_int_equal(c.verb, cases[i].verb);
			assert_int_equal(c.number_count, cases[i].count);
			assert_int_equal(c.numbers[0], cases[i].a);
			assert_int_equal(c.numbers[1], cases[i].b);
		}
		if (ok && cases[i].text != NULL) {
			assert_int_equal(c.text_len, strlen(cases[i].text));
			assert_memory_equal(c.text, cases[i].text, c.text_len);
		}
		free(line);
	}
}

static void
filenames(void **state)
{
	static struct {
		char const *name;
		size_t base;
		int64_t size; /* -1: none */
		char const *uidl;
	} const cases[] = {
		{"1700.M1P2.host,S=10,W=12:2,S", 24, 12, "1700.M1P2.host"},
		{"1700.M1P2.host,W=12,S=10", 24, 12, "1700.M1P2.host"},
		{"1700.M1P2.host:2,W=9", 14, -1, "1700.M1P2.host"},
		{"1700.M1P2.host,S=10", 19, -1, "1700.M1P2.host"},
		{"1700,W=", 7, -1, "1700"},
		{"1700,W=1x", 9, -1, "1700"},
		{"1700,W=1234567890123456789", 26, -1, "1700"},
		{"1700,XW=5,W=6", 13, 6, "1700"},
		{"a", 1, -1, "a"},
	};
	char uidl[POP3_UIDL_MAX + 1], other[POP3_UIDL_MAX + 1], big[200];
	uint64_t size;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = strlen(cases[i].name);
		char *name = exact(cases[i].name, len);

		assert_int_equal(pop3_filename_base(name, len), cases[i].base);
		assert_int_equal(pop3_filename_size(name, len, &size),
			cases[i].size >= 0);
		if (cases[i].size >= 0)
			assert_int_equal(size, cases[i].size);
		assert_int_equal(pop3_filename_uidl(name, len, uidl),
			strlen(cases[i].uidl));
		assert_string_equal(uidl, cases[i].uidl);
		free(name);
	}
	memset(big, 'x', sizeof big);
	assert_int_equal(pop3_filename_uidl(big, 70, uidl), 70);
	assert_int_equal(pop3_filename_uidl(big, 71, uidl), 34);
	assert_memory_equal(uidl, "h.", 2);
	assert_int_equal(pop3_filename_uidl(big, 72, other), 34);
	assert_string_not_equal(uidl, other);
	big[3] = ' ';
	assert_int_equal(pop3_filename_uidl(big, 10, uidl), 34);
	big[3] = (char)0xc3;
	assert_int_equal(pop3_filename_uidl(big, 10, other), 34);
	assert_string_not_equal(uidl, other);
	assert_int_equal(pop3_filename_uidl(":2,S", 4, uidl), 34);
}

struct sink {
	size_t len;
	char s[400];
};

static void
put(void *data, char const *s, size_t len)
{
	struct sink *sink = data;

	assert_true(len <= sizeof sink->s - sink->len);
	memcpy(sink->s + sink->len, s, len);
	sink->len += len;
}

/* Every way to cut the input into pieces of one length gives the same. */
static void
lines(void **state)
{
	static struct {
		char const *in, *out;
		int top; /* -1: all */
		bool stuff;
	} const cases[] = {
		{"a\nb\n", "a\r\nb\r\n", -1, true},
		{"a\r\nb\r\n", "a\r\nb\r\n", -1, true},
		{"", "", -1, true},
		{"\n", "\r\n", -1, true},
		{"no end", "no end\r\n", -1, true},
		{"cr end\r", "cr end\r\n", -1, true},
		{".\n..\n.a\na.\n", "..\r\n...\r\n..a\r\na.\r\n", -1, true},
		{".\n..\n", ".\r\n..\r\n", -1, false},
		{"lone\rcr\n.\r\n", "lone\rcr\r\n..\r\n", -1, true},
		{"S: a\n\n1\n2\n3\n", "S: a\r\n\r\n", 0, true},
		{"S: a\n\n1\n2\n3\n", "S: a\r\n\r\n1\r\n2\r\n", 2, true},
		{"S: a\n\n1\n2\n3\n", "S: a\r\n\r\n1\r\n2\r\n3\r\n", 9, true},
		{"S: a\n\n\n\n3\n", "S: a\r\n\r\n\r\n\r\n", 2, true},
		{"S: a\r\n\r\n1\r\n", "S: a\r\n\r\n", 0, true},
		{"S: a\n", "S: a\r\n", 0, true},
		{"S: a\n\n.x", "S: a\r\n\r\n..x\r\n", 1, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t step = 1; step < 12; step++) {
			size_t len = strlen(cases[i].in), n;
			struct pop3_lines l;
			struct sink sink = {0};

			pop3_lines_start(&l, put, &sink, cases[i].stuff);
			if (cases[i].top >= 0) {
				l.limited = true;
				l.body_left = (uint32_t)cases[i].top;
			}
			for (size_t at = 0; at < len; at += n) {
				n = step < len - at ? step : len - at;
				char *piece = exact(cases[i].in + at, n);
				bool more = pop3_lines_push(&l, piece, n);
				free(piece);
				if (!more)
					break;
			}
			pop3_lines_end(&l);
			assert_int_equal(sink.len, strlen(cases[i].out));
			assert_memory_equal(sink.s, cases[i].out, sink.len);
		}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(filenames),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests_name("pop3", tests, NULL, NULL);
}
