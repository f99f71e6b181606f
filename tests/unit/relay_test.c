/* imapd: what the imapd of a shared mailbox says. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imapd/relay_line.h"
#include "tests/unit/exact.h"

static struct {
	char const *line;
	enum relay_kind kind;
	char const *name, *rest; /* NULL: none */
} const lines[] = {
	{"x OK [READ-WRITE] done", RELAY_DONE, NULL, "[READ-WRITE] done"},
	{"x NO [NOPERM] no", RELAY_DONE, NULL, "[NOPERM] no"},
	{"X BAD what", RELAY_DONE, NULL, "what"},
	{"x OK [CAPABILITY IMAP4rev1] logged in", RELAY_DONE, NULL,
		"Completed"},
	{"x OK [ALERT] pay now", RELAY_DONE, NULL, "Completed"},
	{"a OK of another's command", RELAY_OTHER, NULL, NULL},
	{"x FINE", RELAY_OTHER, NULL, NULL},
	{"+ idling", RELAY_MORE, NULL, NULL},
	{"* OK [UIDNEXT 4] next", RELAY_STATUS, NULL, "[UIDNEXT 4] next"},
	{"* OK [ALERT] pay now", RELAY_OTHER, NULL, NULL},
	{"* BYE", RELAY_BYE, NULL, NULL},
	{"* PREAUTH hello", RELAY_OTHER, NULL, NULL},
	{"* CAPABILITY IMAP4rev1", RELAY_OTHER, NULL, NULL},
	{"* ENABLED CONDSTORE", RELAY_OTHER, NULL, NULL},
	{"* NAMESPACE NIL NIL NIL", RELAY_OTHER, NULL, NULL},
	{"* 3 EXISTS", RELAY_MESSAGE, NULL, NULL},
	{"* 3 FETCH (UID 4)", RELAY_MESSAGE, NULL, NULL},
	{"* 3 SOMETHING", RELAY_OTHER, NULL, NULL},
	{"* SEARCH 1 2", RELAY_MESSAGE, NULL, NULL},
	{"* LIST (\\HasChildren) \".\" \"Shared.Team\"", RELAY_NAMED,
		"Shared.Team", "(\\HasChildren)"},
	{"* LIST () NIL INBOX", RELAY_NAMED, "INBOX", "()"},
	{"* LIST () \".\"", RELAY_OTHER, NULL, NULL},
	{"* STATUS \"Shared.Team\" (MESSAGES 1)", RELAY_NAMED, "Shared.Team",
		" (MESSAGES 1)"},
	{"* MYRIGHTS x lrs", RELAY_NAMED, "x", " lrs"},
	{"* ACL \"a b\" c d", RELAY_NAMED, "a b", " c d"},
	{"* STATUS {5}", RELAY_OTHER, NULL, NULL},
	{"*", RELAY_OTHER, NULL, NULL},
	{"", RELAY_OTHER, NULL, NULL},
};

static void
a_response_is_known_by_its_first_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		size_t const len = strlen(lines[i].line);
		char *const s = exact(lines[i].line, len);
		char text[200];
		struct relay_line line;

		relay_line_parse(s, len, text, &line);
		if (line.kind != lines[i].kind)
			fail_msg("%s: %d", lines[i].line, (int)line.kind);
		if (lines[i].name != NULL) {
			assert_int_equal(line.name.len, strlen(lines[i].name));
			assert_memory_equal(
				line.name.s, lines[i].name, line.name.len);
		}
		if (lines[i].rest != NULL) {
			assert_int_equal(line.rest.len, strlen(lines[i].rest));
			assert_memory_equal(
				line.rest.s, lines[i].rest, line.rest.len);
		}
		free(s);
	}
}

static struct {
	char const *line;
	bool sound, literal;
	uint64_t size;
} const sounds[] = {
	{"* 1 FETCH (FLAGS ())", true, false, 0},
	{"* 1 FETCH (BODY[] {12}", true, true, 12},
	{"* 1 FETCH (BODY[] {0}", true, true, 0},
	{"* 1 FETCH (BINARY[1] ~{7}", true, true, 7},
	{"* 1 FETCH (X \"a\\\"b\")", true, false, 0},
	/* what a client would read otherwise */
	{"* 1 FETCH (X \"a {12}", false, false, 0},
	{"* 1 FETCH (X \"a\\\" {12}", false, false, 0},
	{"* 1 FETCH (X a\rb)", false, false, 0},
	{"* 1 FETCH (BODY[] {12+}", false, false, 0},
	{"* 1 FETCH (BODY[] {99999999999}", false, false, 0},
};

static void
a_line_is_sound_if_all_read_it_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sounds / sizeof *sounds; i++) {
		size_t const len = strlen(sounds[i].line);
		char *const s = exact(sounds[i].line, len);
		bool literal = false;
		uint64_t size = 0;
		bool const sound = relay_line_sound(s, len, &literal, &size);

		if (sound != sounds[i].sound)
			fail_msg("%s", sounds[i].line);
		if (sound) {
			assert_int_equal(literal, sounds[i].literal);
			assert_int_equal(size, sounds[i].size);
		}
		free(s);
	}
}

static void
a_message_is_read_in_any_order(void **state)
{
	/* clang takes strings in a row for a comma that was forgotten. */
#define SEEN "FLAGS (\\Seen $Forwarded)"
#define DATE "INTERNALDATE \" 1-Feb-1994 21:52:25 +0000\""
	static char const *const good[] = {
		("* 4 FETCH (UID 7 " SEEN " " DATE " BODY[] {12}"),
		("* 4 FETCH (" DATE " FLAGS (\\Seen \\Recent $Forwarded) UID 7 "
		 "BODY[] {12}"),
		("* 7 UIDFETCH (" SEEN " " DATE " BODY[] {12}"),
	};
	static char const *const bad[] = {
		"* 4 FETCH (FLAGS (\\Seen) UID 7)",
		"* 4 FETCH (UID 7 FLAGS () BODY[] {12}",
		("* 4 FETCH (UID 0 FLAGS () " DATE " BODY[] {12}"),
		"* 4 FETCH (UID 7 BODY[1] {12}",
		"* 4 FETCH (UID 7 FLAGS (",
		"* 4 EXPUNGE",
	};
	struct relay_message m;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		size_t const len = strlen(good[i]);
		char *const s = exact(good[i], len);

		if (!relay_line_message(s, len, &m))
			fail_msg("%s", good[i]);
		assert_int_equal(m.uid, 7);
		assert_int_equal(m.size, 12);
		assert_int_equal(m.date, 760139545);
		assert_int_equal(m.flags.system, FLAG_SEEN);
		assert_int_equal(m.flags.keywords_count, 1);
		free(s);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t const len = strlen(bad[i]);
		char *const s = exact(bad[i], len);

		if (relay_line_message(s, len, &m))
			fail_msg("%s", bad[i]);
		free(s);
	}
}

static void
codes_are_read(void **state)
{
	struct lex_text const validity = {"[UIDVALIDITY 12] valid", 22};
	struct lex_text const append = {"[APPENDUID 12 3:5,9] done", 25};
	struct lex_text const star = {"[APPENDUID 12 3:*] done", 23};
	struct lex_text set;
	uint32_t n;

	(void)state;
	assert_true(relay_line_number(&validity, "UIDVALIDITY", &n));
	assert_int_equal(n, 12);
	assert_false(relay_line_number(&append, "UIDVALIDITY", &n));
	assert_true(relay_line_appenduid(&append, &n, &set));
	assert_int_equal(set.len, 5);
	assert_memory_equal(set.s, "3:5,9", 5);
	assert_false(relay_line_appenduid(&star, &n, &set));
}

static struct {
	char const *given, *wanted;
} const commands[] = {
	{"a1 NOOP\r\n", "x NOOP\r\n"},
	{"a STATUS {3}\r\nfoo (MESSAGES)\r\n",
		"x STATUS {3+}\r\nfoo (MESSAGES)\r\n"},
	{"a STATUS {3+}\r\nfoo (MESSAGES)\r\n",
		"x STATUS {3+}\r\nfoo (MESSAGES)\r\n"},
	{"a SETMETADATA {1}\r\nx (/private/a ~{4}\r\n\r\n{)\r\n",
		"x SETMETADATA {1+}\r\nx (/private/a ~{4+}\r\n\r\n{)\r\n"},
	{"a SEARCH TEXT {5}\r\n{9}\r\n UID 1\r\n",
		"x SEARCH TEXT {5+}\r\n{9}\r\n UID 1\r\n"},
};

static void
a_command_goes_on_with_literals_that_do_not_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		size_t const len = strlen(commands[i].given);
		char *const s = exact(commands[i].given, len);
		stralloc out = STRALLOC_ZERO;

		assert_true(relay_line_command(&out, s, len));
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, commands[i].wanted);
		stralloc_free(&out);
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(a_response_is_known_by_its_first_line),
		cmocka_unit_test(a_line_is_sound_if_all_read_it_alike),
		cmocka_unit_test(a_message_is_read_in_any_order),
		cmocka_unit_test(codes_are_read),
		cmocka_unit_test(
			a_command_goes_on_with_literals_that_do_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
