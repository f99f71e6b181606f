/* smtpd/check/edit.h, smtpd/check/milterwire.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "smtpd/check/edit.h"
#include "smtpd/check/milterwire.h"
#include "tests/unit/exact.h"

static char const message[] = "From: a\r\nSubject: one\r\n\ttwo\r\n"
			      "X: 1\r\nX: 2\r\n\r\nbody\r\n";

static void
is(struct edit const *e, char const *want)
{
	assert_int_equal(e->len, strlen(want));
	assert_memory_equal(e->s, want, e->len);
}

static void
fronts(struct edit const *e, char const *want)
{
	assert_int_equal(e->front.len, strlen(want));
	assert_memory_equal(e->front.s, want, e->front.len);
}

static void
lines_in_front(void **state)
{
	struct edit e;

	(void)state;
	edit_init(&e, message, strlen(message));
	assert_true(edit_front(&e, "A", 1, "b", 1));
	assert_true(edit_front(&e, "Folded", 6, "b\n\tc\n d\n", 8));
	assert_true(edit_front(&e, "Evil", 4, "b\r\n\r\nbody", 9));
	assert_true(edit_front(&e, "Nul", 3, "b\0c", 3));
	assert_true(edit_front_first(&e, "First", 5, " x", 2));
	assert_false(edit_front(&e, "A B", 3, "b", 1));
	assert_false(edit_front(&e, "A:", 2, "b", 1));
	assert_false(edit_front(&e, "", 0, "b", 1));
	fronts(&e, "First: x\r\nA: b\r\nFolded: b\r\n\tc\r\n\td\r\n"
		   "Evil: b\r\n\tbody\r\nNul: bc\r\n");
	assert_false(e.is_replaced);
	edit_free(&e);
}

static void
fields_changed(void **state)
{
	struct edit e;

	(void)state;
	edit_init(&e, message, strlen(message));
	assert_true(edit_change(&e, 2, "x", 1, "new", 3));
	assert_true(edit_change(&e, 1, "SUBJECT", 7, "", 0));
	is(&e, "From: a\r\nX: 1\r\nx: new\r\n\r\nbody\r\n");
	assert_true(e.is_replaced);
	/* There is none: one in front, or nothing. */
	assert_true(edit_change(&e, 3, "X", 1, "three", 5));
	assert_true(edit_change(&e, 4, "X", 1, "", 0));
	fronts(&e, "X: three\r\n");
	edit_free(&e);
}

static bool
is_x(void *data, struct header_field const *field)
{
	(void)data;
	return header_is(field, "x");
}

static bool
is_y(void *data, struct header_field const *field)
{
	(void)data;
	return header_is(field, "y");
}

static void
fields_removed(void **state)
{
	struct edit e;

	(void)state;
	edit_init(&e, message, strlen(message));
	assert_true(edit_remove(&e, is_y, NULL));
	assert_false(e.is_replaced);
	assert_true(edit_remove(&e, is_x, NULL));
	assert_true(e.is_replaced);
	is(&e, "From: a\r\nSubject: one\r\n\ttwo\r\n\r\nbody\r\n");
	edit_free(&e);
}

static void
bodies(void **state)
{
	struct edit e;

	(void)state;
	edit_init(&e, "A: b\r\n\r\nold", 11);
	assert_true(edit_body(&e, "one\ntwo\rthree\r\nfour\0", 20));
	is(&e, "A: b\r\n\r\none\r\ntwo\r\nthree\r\nfour");
	assert_true(edit_body(&e, "", 0));
	is(&e, "A: b\r\n\r\n");
	edit_free(&e);
	edit_init(&e, "A: b\r\n", 6);
	assert_true(edit_body(&e, "x\n", 2));
	is(&e, "A: b\r\n\r\nx\r\n");
	assert_true(edit_message(&e, "C: d\n\nwhole", 11));
	is(&e, "C: d\r\n\r\nwhole\r\n");
	edit_free(&e);
}

static void
packets(void **state)
{
	static struct {
		char const *s;
		size_t len;
		bool good;
	} const cases[] = {
#define P(text) text, sizeof text - 1
		{P("c"), true},
		{P("O\0\0\0\6\0\0\0\1\0\0\0\0"), true},
		{P("O\0\0\0\6\0\0\0\1\0\0\0"), false},
		{P("hX-A\0b\0"), true},
		{P("hX-A\0b"), false},
		{P("hX-A\0b\0c"), false},
		{P("i\0\0\0\1X-A\0b\0"), true},
		{P("m\0\0\0"), false},
		{P("b"), true},
		{P("bbody"), true},
		{P("y550 5.7.1 no\0"), true},
		{P("y550 5.7.1 no"), false},
		{P("qbecause\0"), true},
		{P("+<a@b>\0"), true},
		{P("z"), false},
		{P(""), false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct milterwire_packet p;
		char *s = exact(cases[i].s, cases[i].len);

		assert_int_equal(
			milterwire_parse(s, cases[i].len, &p), cases[i].good);
		free(s);
	}
}

static void
reply_codes(void **state)
{
	static struct {
		char const *s;
		unsigned code; /* 0: none */
		char const *text;
	} const cases[] = {
		{"550 5.7.1 no", 550, "5.7.1 no"},
		{"451 4.7.1 later", 451, "4.7.1 later"},
		{"550-5.7.1 one\r\n550 5.7.1 two", 550, "5.7.1 one"},
		{"550", 550, ""},
		{"550 \x01\xff", 550, "??"},
		{"250 ok", 0, ""},
		{"55", 0, ""},
		{"5500 x", 0, ""},
		{"590 x", 0, ""},
	};
	char text[21];
	unsigned code;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct milterwire_text t = {cases[i].s, strlen(cases[i].s)};
		bool good = milterwire_reply_code(t, &code, text, 20);

		assert_int_equal(good, cases[i].code != 0);
		if (!good)
			continue;
		assert_int_equal(code, cases[i].code);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(lines_in_front),
		cmocka_unit_test(fields_changed),
		cmocka_unit_test(fields_removed),
		cmocka_unit_test(bodies),
		cmocka_unit_test(packets),
		cmocka_unit_test(reply_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
