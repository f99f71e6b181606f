/* mime/address: mailboxes, groups, comments, and what real mail holds. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <skalibs/stralloc.h>
#include "mime/address.h"
#include "tests/unit/exact.h"

/*
 * Each address as name|route|local|host, "-" where there is none, and a blank
 * behind; groups as {name ... }.
 */
static struct {
	char const *name, *list, *wanted;
} const cases[] = {
	{"nothing", "", ""},
	{"blanks", " \t\r\n ", ""},
	{"plain", "a@b.example", "-|-|a|b.example "},
	{"angle", "<a@b>", "-|-|a|b "},
	{"name", "J. Doe <a@b>", "J. Doe|-|a|b "},
	{"quoted name", "\"Doe, J. \\\"x\\\"\" <a@b>", "Doe, J. \"x\"|-|a|b "},
	{"quoted and plain", "\"A\" B <a@b>", "A B|-|a|b "},
	{"blanks in the name are one", "A \t B<a@b>", "A B|-|a|b "},
	{"folded", "A\r\n B\n\t<a@\r\n b>", "A B|-|a|b "},
	{"comment is the name", "a@b (J Doe)", "J Doe|-|a|b "},
	{"comment is not the name", "J <a@b> (x)", "J|-|a|b "},
	{"nested comment", "a@b (x (y) \\) z)", "x (y) ) z|-|a|b "},
	{"comments inside", "a(x)@(y)b(z)", "z|-|a|b "},
	{"quoted local part", "\"a b\"@c", "-|-|a b|c "},
	{"local part with an escape", "\"a\\\"b\"@c", "-|-|a\"b|c "},
	{"dots with blanks", "a . b @ c . d", "-|-|a.b|c.d "},
	{"literal", "a@[192.0.2.1]", "-|-|a|[192.0.2.1] "},
	{"route", "<@a,@b:c@d>", "-|@a,@b|c|d "},
	{"empty angle", "A <>", "A|-|-|- "},
	{"no host", "A <a>", "A|-|a|- "},
	{"words", "a b", "-|-|a b|- "},
	{"no local part", "@b", "-|-|-|b "},
	{"two", "a@b, c@d", "-|-|a|b -|-|c|d "},
	{"empty ones between", ",a@b,, ,c@d,", "-|-|a|b -|-|c|d "},
	{"group", "T: a@b, C <c@d>;", "{T -|-|a|b C|-|c|d } "},
	{"empty group", "undisclosed-recipients:;",
		"{undisclosed-recipients } "},
	{"group without end", "T: a@b", "{T -|-|a|b } "},
	{"behind a group", "T: a@b; c@d", "{T -|-|a|b } -|-|c|d "},
	{"group between", "x@y, T:;, c@d", "-|-|x|y {T } -|-|c|d "},
	{"address as a name", "a@b <c@d>", "a@b|-|c|d "},
	{"junk behind", "<a@b> x y, c@d", "-|-|a|b -|-|c|d "},
	{"comma in the name", "Doe, J <a@b>", "-|-|Doe|- J|-|a|b "},
	{"unclosed quote", "\"A <a@b>, c@d", "-|-|A <a@b>, c@d|- "},
	{"unclosed comment", "a@b (x", "x|-|a|b "},
	{"unclosed angle", "A <a@b", "A|-|a|b "},
	{"encoded word stays", "=?utf-8?q?x?= <a@b>", "=?utf-8?q?x?=|-|a|b "},
	{"utf-8", "\xc3\xa4 <\xc3\xb6@b>", "\xc3\xa4|-|\xc3\xb6|b "},
	{"semicolon as a comma", "a@b; c@d", "-|-|a|b -|-|c|d "},
};

static void
put(stralloc *out, struct address_text const *t, char const *behind)
{
	assert_true(t->s ? stralloc_catb(out, t->s, t->len)
			 : stralloc_cats(out, "-"));
	assert_true(stralloc_cats(out, behind));
}

static void
put_address(stralloc *out, struct address const *a)
{
	switch (a->kind) {
	case ADDRESS_GROUP_START:
		assert_true(stralloc_cats(out, "{"));
		put(out, &a->name, " ");
		return;
	case ADDRESS_GROUP_END:
		assert_true(stralloc_cats(out, "} "));
		return;
	case ADDRESS_MAILBOX:
		put(out, &a->name, "|");
		put(out, &a->route, "|");
		put(out, &a->local, "|");
		put(out, &a->host, " ");
		return;
	}
}

static void
lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].list);
		char *s = exact(cases[i].list, len);
		char *buf = malloc(ADDRESS_BUF(len));
		stralloc got = STRALLOC_ZERO;
		struct address_cursor c;
		struct address a;

		print_message("%s\n", cases[i].name);
		address_init(&c, s, len, buf);
		while (address_next(&c, &a) > 0)
			put_address(&got, &a);
		assert_true(stralloc_0(&got));
		assert_string_equal(got.s, cases[i].wanted);
		stralloc_free(&got);
		free(s);
		free(buf);
	}
}

static void
a_nul_does_not_stop_the_walk(void **state)
{
	static char const list[] = "a\0b@c, d@e";
	char *s = exact(list, sizeof list - 1);
	char buf[ADDRESS_BUF(sizeof list)];
	struct address_cursor c;
	struct address a;
	int count = 0;

	(void)state;
	address_init(&c, s, sizeof list - 1, buf);
	while (address_next(&c, &a) > 0)
		count++;
	assert_int_equal(count, 2);
	free(s);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(a_nul_does_not_stop_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
