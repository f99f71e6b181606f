/* queue/textin, compose: messages of local programs. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "queue/compose.h"
#include "queue/textin.h"

#define S(text) text, sizeof(text) - 1

static struct {
	char const *name;
	char const *in;
	size_t in_len;
	char const *out;
	bool dot_ends;
} const texts[] = {
	{"LF", S("a\nb\n"), "a\r\nb\r\n", true},
	{"CRLF", S("a\r\nb\r\n"), "a\r\nb\r\n", true},
	{"mixed", S("a\nb\r\n\nc\r\n"), "a\r\nb\r\n\r\nc\r\n", true},
	{"no end of the last line", S("a"), "a\r\n", true},
	{"nothing", S(""), "", true},
	{"lone dot", S("a\n.\nb\n"), "a\r\n", true},
	{"lone dot, CRLF", S("a\r\n.\r\nb\r\n"), "a\r\n", true},
	{"lone dot at the end", S("a\n."), "a\r\n", true},
	{"lone dot at the start", S(".\na\n"), "", true},
	{"lone dot stays", S("a\n.\nb\n"), "a\r\n.\r\nb\r\n", false},
	{"dots stay", S("a\n..\n.b\n.\n"), "a\r\n..\r\n.b\r\n", true},
	{"dot and bare CR in the body", S("\na\n.\rb\n"), "\r\na\r\n.\r\nb\r\n",
		true},
	{"bare CR in the body", S("\na\rb\n"), "\r\na\r\nb\r\n", true},
	{"bare CRs in the body", S("\na\r\rb\r"), "\r\na\r\n\r\nb\r\n", true},
	{"bare CR in the header", S("A: b\rBcc: c\n\nd\n"),
		"A: b Bcc: c\r\n\r\nd\r\n", true},
	{"CR CR LF in the header", S("A: b\r\r\n\r\nd\n"), "A: b \r\n\r\nd\r\n",
		true},
	{"NUL", S("a\0b\n\0\n"), "ab\r\n\r\n", true},
	{"NUL between CR and LF", S("\na\r\0\n"), "\r\na\r\n", true},
	{"NUL before a dot", S("a\n\0.\nb\n"), "a\r\n", true},
};

static void
lines_become_crlf(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		print_message("%s\n", texts[i].name);
		for (size_t step = 1; step <= texts[i].in_len + 1; step++) {
			char out[200];
			size_t n = 0;
			struct textin t;

			textin_init(&t, texts[i].dot_ends);
			for (size_t at = 0; at < texts[i].in_len; at += step) {
				size_t len = texts[i].in_len - at;
				if (len > step)
					len = step;
				char *in = malloc(len);
				char *piece = malloc(TEXTIN_ROOM(len));
				assert_true(in != NULL && piece != NULL);
				memcpy(in, texts[i].in + at, len);
				size_t got = textin_push(&t, in, len, piece);
				assert_true(got <= TEXTIN_ROOM(len));
				memcpy(out + n, piece, got);
				n += got;
				free(piece);
				free(in);
			}
			n += textin_finish(&t, out + n);
			assert_int_equal(n, strlen(texts[i].out));
			assert_memory_equal(out, texts[i].out, n);
		}
	}
}

static void
eight_bits_are_noticed(void **state)
{
	struct textin t;
	char out[TEXTIN_ROOM(2)];

	(void)state;
	textin_init(&t, true);
	textin_push(&t, "a", 1, out);
	assert_false(t.is_8bit);
	textin_push(&t, "\xe9", 1, out);
	assert_true(t.is_8bit);
}

static struct {
	char const *name, *in;
	bool take;
	char const *header, *body;
	char const *to; /* separated by blanks */
	enum compose_result result;
} const headers[] = {
	{"plain", "To: a@b.c\r\nSubject: x\r\n\r\nbody\r\n", true,
		"To: a@b.c\r\nSubject: x\r\n\r\n", "body\r\n", "a@b.c", 0},
	{"not taken", "To: a@b.c\r\n\r\nbody\r\n", false, "To: a@b.c\r\n\r\n",
		"body\r\n", "", 0},
	{"Bcc goes", "To: a@b.c\r\nbcc: d@e.f,\r\n g@h.i\r\nX: y\r\n\r\n", true,
		"To: a@b.c\r\nX: y\r\n\r\n", "", "a@b.c d@e.f g@h.i", 0},
	{"Bcc goes in any case", "Bcc: d@e.f\r\n\r\nx\r\n", false, "\r\n",
		"x\r\n", "", 0},
	{"Return-Path goes", "Return-Path: <a@b>\r\nX: y\r\n\r\n", false,
		"X: y\r\n\r\n", "", "", 0},
	{"names and groups",
		"To: Alice <a@b.c>, staff: d@e.f, \"G, H\" <g@h.i>;\r\n\r\n",
		true,
		"To: Alice <a@b.c>, staff: d@e.f, \"G, H\" <g@h.i>;\r\n\r\n",
		"", "a@b.c d@e.f g@h.i", 0},
	{"local name", "Cc: bob\r\n\r\n", true, "Cc: bob\r\n\r\n", "",
		"bob@host.test", 0},
	{"twice the same", "To: a@b.c\r\nCc: a@b.c\r\n\r\n", true,
		"To: a@b.c\r\nCc: a@b.c\r\n\r\n", "", "a@b.c", 0},
	{"quoted local part", "To: \"a b\"@c.d\r\n\r\n", true,
		"To: \"a b\"@c.d\r\n\r\n", "", "\"a_b\"@c.d", 0},
	{"needless quotes", "To: \"ab\"@c.d\r\n\r\n", true,
		"To: \"ab\"@c.d\r\n\r\n", "", "ab@c.d", 0},
	{"resent", "Resent-To: r@s.t\r\nTo: a@b.c\r\nResent-Bcc: u@v.w\r\n\r\n",
		true, "Resent-To: r@s.t\r\nTo: a@b.c\r\n\r\n", "",
		"r@s.t u@v.w", 0},
	{"no header", "Hello Bob,\r\nTo: a@b.c\r\n", true, "\r\n",
		"Hello Bob,\r\nTo: a@b.c\r\n", "", 0},
	{"no header, with a colon", "Dear Bob: hi\r\n", true, "\r\n",
		"Dear Bob: hi\r\n", "", 0},
	{"body without an empty line", "X: y\r\nhello\r\n", true,
		"X: y\r\n\r\n", "hello\r\n", "", 0},
	{"mbox line", "From a@b Thu Jan  1 00:00:00 1970\r\nX: y\r\n\r\nz\r\n",
		true, "X: y\r\n\r\n", "z\r\n", "", 0},
	{"nothing", "", true, "\r\n", "", "", 0},
	{"header alone", "X: y\r\n", true, "X: y\r\n\r\n", "", "", 0},
	{"bad domain", "To: a@b..c\r\n\r\n", true, NULL, NULL, NULL,
		COMPOSE_BAD_ADDRESS},
	{"bad literal", "To: a@[300.1.1.1]\r\n\r\n", true, NULL, NULL, NULL,
		COMPOSE_BAD_ADDRESS},
	{"too many", "To: a, b, c, d, e\r\n\r\n", true, NULL, NULL, NULL,
		COMPOSE_TOO_MANY},
};

static void
headers_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		struct compose c = {
			.hostname = "host.test", .recipients_max = 4};
		size_t len = strlen(headers[i].in);
		char *s = malloc(len ? len : 1), *to;

		print_message("%s\n", headers[i].name);
		assert_non_null(s);
		memcpy(s, headers[i].in, len);
		assert_int_equal(compose_header(&c, s, len, headers[i].take),
			headers[i].result);
		if (headers[i].result == COMPOSE_OK) {
			assert_int_equal(
				c.header.len, strlen(headers[i].header));
			assert_memory_equal(
				c.header.s, headers[i].header, c.header.len);
			assert_int_equal(len - c.body, strlen(headers[i].body));
			assert_memory_equal(
				s + c.body, headers[i].body, len - c.body);
			to = strdup(headers[i].to);
			assert_non_null(to);
			size_t n = strlen(to);
			for (size_t k = 0; k < n; k++)
				to[k] = to[k] == ' '   ? '\0'
					: to[k] == '_' ? ' '
						       : to[k];
			assert_int_equal(c.to.len, n ? n + 1 : 0);
			if (n > 0)
				assert_memory_equal(c.to.s, to, n + 1);
			free(to);
		}
		compose_free(&c);
		compose_free(&c);
		free(s);
	}
}

static void
addresses_are_completed(void **state)
{
	static struct {
		char const *in, *out; /* NULL: refused */
	} const cases[] = {{"alice", "alice@host.test"},
		{"<alice>", "alice@host.test"}, {"a@b.c", "a@b.c"},
		{"<a@b.c>", "a@b.c"}, {"", ""}, {"<>", ""}, {"a@", NULL},
		{"@b.c", NULL}, {"a@b c", NULL}, {"a b", "\"a b\"@host.test"},
		{"a\nb", NULL}, {"a@b.c>", NULL}};
	char out[ADDR_PATH_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool ok = compose_qualify(cases[i].in, "host.test", out);
		print_message("%s\n", cases[i].in);
		assert_int_equal(ok, cases[i].out != NULL);
		if (ok)
			assert_string_equal(out, cases[i].out);
	}
}

static void
what_is_missing_is_added(void **state)
{
	struct compose c = {.hostname = "host.test"};
	struct compose_missing m = {.name = "Al \"x\"",
		.address = "a@b.c",
		.date = "DATE",
		.id = "ID"};
	stralloc out = STRALLOC_ZERO;

	(void)state;
	assert_true(compose_missing(&c, &out, &m) && stralloc_0(&out));
	assert_string_equal(out.s,
		"From: \"Al \\\"x\\\"\" <a@b.c>\r\nDate: DATE\r\n"
		"Message-ID: <ID@host.test>\r\n");
	out.len = 0;
	c.has_date = c.has_message_id = true;
	m.name = "x\r\nBcc: y";
	assert_true(compose_missing(&c, &out, &m) && stralloc_0(&out));
	assert_string_equal(out.s, "From: <a@b.c>\r\n");
	out.len = 0;
	c.has_from = true;
	assert_true(compose_missing(&c, &out, &m));
	assert_int_equal(out.len, 0);
	stralloc_free(&out);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(lines_become_crlf),
		cmocka_unit_test(eight_bits_are_noticed),
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(addresses_are_completed),
		cmocka_unit_test(what_is_missing_is_added),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
