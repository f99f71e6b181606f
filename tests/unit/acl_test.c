/* imapd: rights, access control lists, and the table of shared mailboxes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "imapd/acl.h"
#include "imapd/flag_args.h"
#include "imapd/share.h"
#include "tests/unit/exact.h"

static struct {
	char const *text, *wanted; /* NULL: refused */
} const rights[] = {
	{"", ""},
	{"lrs", "lrs"},
	{"srl", "lrs"},
	{"c", "kxc"},
	{"d", "ted"},
	{"k", "kc"},
	{"e", "ed"},
	{"cda", "kxteacd"},
	{"lrswipkxtea", "lrswipkxteacd"},
	{"lrQ", NULL},
	{"q", NULL},
	{"l r", NULL},
	{"0", NULL},
};

static void
rights_are_told_with_the_obsolete_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
		size_t const len = strlen(rights[i].text);
		char *const s = exact(rights[i].text, len);
		char text[RIGHTS_TEXT_MAX];
		unsigned set;
		bool const ok = rights_parse(s, len, &set);

		assert_int_equal(ok, rights[i].wanted != NULL);
		if (ok) {
			rights_text(set, text);
			assert_string_equal(text, rights[i].wanted);
		}
		free(s);
	}
}

static void
a_right_lets_its_flags_be_set(void **state)
{
	(void)state;
	assert_int_equal(rights_flags(RIGHT_SEEN), FLAG_SEEN);
	assert_int_equal(rights_flags(RIGHT_DELETE), FLAG_DELETED);
	assert_int_equal(rights_flags(RIGHT_WRITE),
		FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DRAFT);
	assert_int_equal(rights_flags(RIGHTS_ALL), 31);
}

static struct {
	char const *given, *kept; /* NULL: refused */
} const identifiers[] = {
	{"anyone", "anyone"},
	{"ANYONE", "anyone"},
	{"-Anyone", "-anyone"},
	{"AuthUser", "authuser"},
	{"Bob@Example.ORG", "bob@example.org"},
	{"-Bob@Example.ORG", "-bob@example.org"},
	{"\"bob\"@example.org", "bob@example.org"},
	{"bob", NULL},
	{"", NULL},
	{"-", NULL},
	{"bob@example.org x", NULL},
	{"bob\t@example.org", NULL},
	{"a@[127.0.0.1]", NULL},
};

static void
identifiers_have_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof identifiers / sizeof *identifiers; i++) {
		size_t const len = strlen(identifiers[i].given);
		char *const s = exact(identifiers[i].given, len);
		char id[ACL_IDENTIFIER_MAX + 1];
		bool const ok = acl_identifier(s, len, id);

		assert_int_equal(ok, identifiers[i].kept != NULL);
		if (ok)
			assert_string_equal(id, identifiers[i].kept);
		free(s);
	}
}

static struct {
	char const *name, *text, *rights;
} const lists[] = {
	{"nothing", "", ""},
	{"his own", "bob@example.org\tlrs\n", "lrs"},
	{"somebody else's", "alice@example.org\tlrs\n", ""},
	{"everybody's", "anyone\tlr\n", "lr"},
	{"both", "anyone\tl\nauthuser\tp\nbob@example.org\tr\n", "lrp"},
	{"taken from him", "anyone\tlrsw\n-bob@example.org\tw\n", "lrs"},
	{"taken from all", "-anyone\tw\nbob@example.org\tlrw\n", "lr"},
	{"taken from others", "anyone\tlr\n-alice@example.org\tr\n", "lr"},
	{"a broken line", "bob@example.org lrs\nanyone\tl\n", "l"},
	{"a line with a wrong right", "anyone\tlq\nauthuser\tr\n", "r"},
	{"no newline at the end", "anyone\tl", "l"},
};

static void
what_is_given_without_what_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		size_t const len = strlen(lists[i].text);
		char *const s = exact(lists[i].text, len);
		char text[RIGHTS_TEXT_MAX];

		rights_text(acl_rights(s, len, "bob@example.org"), text);
		assert_string_equal(text, lists[i].rights);
		free(s);
	}
}

static struct {
	enum acl_how how;
	char const *id, *rights, *wanted;
} const edits[] = {
	{ACL_SET, "b@x.y", "lr", "a@x.y\tlr\nb@x.y\tlr\n"},
	{ACL_SET, "a@x.y", "s", "a@x.y\ts\n"},
	{ACL_ADD, "a@x.y", "s", "a@x.y\tlrs\n"},
	{ACL_REMOVE, "a@x.y", "r", "a@x.y\tl\n"},
	{ACL_REMOVE, "a@x.y", "lr", ""},
	{ACL_REMOVE, "b@x.y", "lr", "a@x.y\tlr\n"},
	{ACL_SET, "a@x.y", "kt", "a@x.y\tkt\n"},
	{ACL_DELETE, "a@x.y", "", ""},
	{ACL_DELETE, "-a@x.y", "", "a@x.y\tlr\n"},
	{ACL_SET, "-a@x.y", "r", "a@x.y\tlr\n-a@x.y\tr\n"},
};

static void
a_list_is_changed_entry_by_entry(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		stralloc text = STRALLOC_ZERO, out = STRALLOC_ZERO;
		unsigned set;

		assert_true(stralloc_cats(&text, "a@x.y\tlr\n"));
		assert_true(rights_parse(
			edits[i].rights, strlen(edits[i].rights), &set));
		assert_true(
			acl_edit(&text, edits[i].how, edits[i].id, set, &out));
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, edits[i].wanted);
		stralloc_free(&text);
		stralloc_free(&out);
	}
}

static char const shared[] = "Team team@a.org admin:alice@a.org @a.org\n"
			     "broken\n"
			     "Press press@a.org admin:bob@a.org carol@b.org\n"
			     "All all@a.org admin:alice@a.org *\n";

static void
a_table_says_who_takes_part(void **state)
{
	struct share s;
	size_t pos = 0;

	(void)state;
	assert_true(share_next(shared, &pos, "alice@a.org", &s));
	assert_string_equal(s.prefix, "Shared.Team");
	assert_string_equal(s.mailbox, "team@a.org");
	assert_true(s.takes_part && s.administers);
	assert_true(share_next(shared, &pos, "alice@a.org", &s));
	assert_string_equal(s.prefix, "Shared.Press");
	assert_false(s.takes_part || s.administers);
	assert_true(share_next(shared, &pos, "alice@a.org", &s));
	assert_false(share_next(shared, &pos, "alice@a.org", &s));

	assert_true(share_of(shared, "team@a.org", "bob@a.org", &s));
	assert_true(s.takes_part && !s.administers);
	assert_true(share_of(shared, "team@a.org", "carol@b.org", &s));
	assert_false(s.takes_part);
	assert_true(share_of(shared, "press@a.org", "carol@b.org", &s));
	assert_true(s.takes_part && !s.administers);
	assert_true(share_of(shared, "all@a.org", "x@ba.org", &s));
	assert_true(s.takes_part);
	assert_true(share_of(shared, "team@a.org", "x@ba.org", &s));
	assert_false(s.takes_part);
	assert_false(share_of(shared, "none@a.org", "bob@a.org", &s));
}

static void
a_share_holds_what_is_below_its_name(void **state)
{
	struct share s;

	(void)state;
	assert_true(share_of(shared, "team@a.org", "bob@a.org", &s));
	assert_true(share_holds(&s, "Shared.Team"));
	assert_true(share_holds(&s, "Shared.Team.Sub"));
	assert_false(share_holds(&s, "Shared.Teams"));
	assert_false(share_holds(&s, "Shared"));
	assert_false(share_holds(&s, "INBOX"));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(rights_are_told_with_the_obsolete_ones),
		cmocka_unit_test(a_right_lets_its_flags_be_set),
		cmocka_unit_test(identifiers_have_one_form),
		cmocka_unit_test(what_is_given_without_what_is_taken),
		cmocka_unit_test(a_list_is_changed_entry_by_entry),
		cmocka_unit_test(a_table_says_who_takes_part),
		cmocka_unit_test(a_share_holds_what_is_below_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
