/* The pure parts of mailing lists: settings, members, addresses, commands,
 * words, open questions, what came back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "local/list/listask.h"
#include "local/list/listbounce.h"
#include "local/list/listcmd.h"
#include "local/list/listrole.h"
#include "local/list/listset.h"
#include "local/list/listtoken.h"
#include "local/list/members.h"
#include "local/list/oneclick.h"

static char *
block(char const *s, size_t len)
{
	char *const copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, s, len);
	return copy;
}

static void
settings_say_what_they_say(void **state)
{
	static char const text[] =
		"# a list\naddress Dev@Example.org\nowner a@b.test\n"
		"owner c@d.test\n moderator e@f.test \npost moderators\n"
		"others refuse\njoin owner\nsubject-tag [dev] \n"
		"from-rewrite always\nreply-to list\nfooter yes\narchive no\n"
		"unsubscribe-url https://x.test/u/\nmax-size 10\n"
		"digest-size 1\ndigest-hours 2\nbounce-days 3";
	char *const s = block(text, sizeof text - 1);
	struct listset_fault fault;
	struct listset set;

	(void)state;
	assert_true(listset_parse(s, sizeof text - 1, &set, &fault));
	assert_int_equal(set.local_len, 3);
	assert_int_equal(set.name.len, 3);
	assert_int_equal(set.owner_count, 2);
	assert_true(listset_has(set.owners, 2, "A@B.test", 8));
	assert_false(listset_has(set.owners, 2, "e@f.test", 8));
	assert_int_equal(set.moderators[0].len, 8);
	assert_int_equal(set.post, LISTSET_MODERATORS);
	assert_int_equal(set.others, LISTSET_REFUSE);
	assert_int_equal(set.join, LISTSET_JOIN_OWNER);
	assert_int_equal(set.from, LISTSET_FROM_ALWAYS);
	assert_int_equal(set.tag.len, 5);
	assert_true(set.reply_to_list && set.has_footer && !set.has_archive);
	assert_int_equal(set.size_max + set.digest_size + set.digest_hours +
				 set.bounce_days,
		16);
	free(s);
}

static void
settings_with_a_fault_name_its_line(void **state)
{
	static struct {
		char const *text;
		unsigned line;
	} const cases[] = {
		{"", 0},
		{"address l@x.test\n", 0},
		{"owner a@b.test\n", 0},
		{"address l+x@x.test\nowner a@b.test\n", 1},
		{"address l@x.test\nowner nobody\n", 2},
		{"address l@x.test\naddress m@x.test\nowner a@b.test\n", 2},
		{"address l@x.test\nowner a@b.test\nwhat 1\n", 3},
		{"address l@x.test\nowner a@b.test\npost all\n", 3},
		{"address l@x.test\nowner a@b.test\nfooter\n", 3},
		{"address l@x.test\nowner a@b.test\nmax-size 1k\n", 3},
		{"address l@x.test\nowner a@b.test\nname a\001b\n", 3},
		{"address l@x.test\nowner a@b.test\n"
		 "unsubscribe-url http://x.test/\n",
			3},
	};
	struct listset_fault fault;
	struct listset set;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t const len = strlen(cases[i].text);
		char *const s = block(cases[i].text, len);

		assert_false(listset_parse(s, len, &set, &fault));
		assert_int_equal(fault.line, cases[i].line);
		assert_non_null(fault.text);
		free(s);
	}
}

static struct listset
some_list(void)
{
	static char const text[] = "address Dev@x.test\nowner o@x.test\n";
	struct listset_fault fault;
	struct listset set;

	assert_true(listset_parse(text, sizeof text - 1, &set, &fault));
	return set;
}

static void
each_address_has_its_role(void **state)
{
	static struct {
		char const *address;
		enum listrole role;
		char const *detail;
	} const cases[] = {
		{"dev@x.test", LISTROLE_POST, ""},
		{"DEV-Request@x.test", LISTROLE_REQUEST, ""},
		{"dev-owner@x.test", LISTROLE_OWNER, ""},
		{"dev-subscribe+digest@x.test", LISTROLE_SUBSCRIBE, "digest"},
		{"dev-unsubscribe+TOK@x.test", LISTROLE_UNSUBSCRIBE, "TOK"},
		{"dev-confirm+no-a@x.test", LISTROLE_CONFIRM, "no-a"},
		{"dev-bounces+a+b=c.test@x.test", LISTROLE_BOUNCES,
			"a+b=c.test"},
		{"dev+x@x.test", LISTROLE_POST, "x"},
		{"devel-request@x.test", LISTROLE_POST, ""},
		{"all@x.test", LISTROLE_POST, ""},
		{"d", LISTROLE_POST, ""},
	};
	struct listset const set = some_list();
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t const len = strlen(cases[i].address);
		char *const s = block(cases[i].address, len);
		struct listset_text detail;

		assert_int_equal(
			listrole_find(&set, s, len, &detail), cases[i].role);
		assert_int_equal(detail.len, strlen(cases[i].detail));
		assert_memory_equal(detail.s, cases[i].detail, detail.len);
		free(s);
	}
	assert_true(listrole_address(&sa, &set, LISTROLE_CONFIRM, "x"));
	assert_true(listrole_id(&sa, &set));
	assert_int_equal(sa.len, 30);
	assert_memory_equal(sa.s, "Dev-confirm+x@x.testDev.x.test", sa.len);
	stralloc_free(&sa);
}

static void
members_are_found_changed_and_removed(void **state)
{
	static char const text[] = "# us\nAnn@x.test\nbob@x.test digest\n"
				   "nonsense\n  carol@x.test nomail\n"
				   "ann@X.test digest\nd@x.test";
	char *const s = block(text, sizeof text - 1);
	struct members m = MEMBERS_ZERO;
	stralloc out = STRALLOC_ZERO;

	(void)state;
	assert_true(members_read(&m, s, sizeof text - 1));
	assert_int_equal(m.count, 4);
	assert_int_equal(members_find(&m, "ANN@x.test", 10)->mode, MEMBER_MAIL);
	assert_int_equal(
		members_find(&m, "carol@x.test", 12)->mode, MEMBER_NOMAIL);
	assert_null(members_find(&m, "eve@x.test", 10));
	assert_null(members_find(&m, "", 0));
	assert_true(members_put(
		&out, &m, sizeof text - 1, "bob@x.test", 10, MEMBER_MAIL));
	assert_memory_equal(out.s, "# us\nAnn@x.test\nbob@x.test\nnons", 31);
	out.len = 0;
	assert_true(members_put(
		&out, &m, sizeof text - 1, "eve@x.test", 10, MEMBER_DIGEST));
	assert_memory_equal(
		out.s + sizeof text - 1, "\neve@x.test digest\n", 19);
	out.len = 0;
	assert_true(
		members_remove(&out, &m, sizeof text - 1, "ann@x.test", 10));
	assert_int_equal(out.len, strlen("# us\nbob@x.test digest\nnonsense\n"
					 "  carol@x.test nomail\nd@x.test"));
	members_free(&m);
	members_free(&m);
	free(s);
	stralloc_free(&out);
}

static void
many_members_are_one_text(void **state)
{
	struct members m = MEMBERS_ZERO;
	stralloc text = STRALLOC_ZERO;
	char line[64];

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		int const n = snprintf(line, sizeof line,
			"member%u@example%u.test\n", i, i % 97);
		assert_true(stralloc_catb(&text, line, (size_t)n));
	}
	assert_true(members_read(&m, text.s, text.len));
	assert_int_equal(m.count, 10000);
	assert_non_null(members_find(&m, "member9999@example8.test", 24));
	assert_null(members_find(&m, "member9999@example9.test", 24));
	members_free(&m);
	stralloc_free(&text);
}

static void
what_is_no_member(void **state)
{
	static char const *const cases[] = {"", "a", "a@", "@b", "a b@c.test",
		"\"a b\"@c.test", "a@[192.0.2.1]", "#a@b.test", "a@b.test\n"};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_false(members_may_be(cases[i], strlen(cases[i])));
	assert_true(members_may_be("a+b@c.test", 10));
}

static void
words_are_known_in_any_case_and_stand_for_one_thing(void **state)
{
	unsigned char key[LISTTOKEN_KEY] = {1, 2, 3},
		      other[LISTTOKEN_KEY] = {4};
	char word[LISTTOKEN_LEN + 1];

	(void)state;
	listtoken_make(word, key, LISTTOKEN_LEAVE, 0, "Ann@X.test", 10);
	assert_int_equal(strlen(word), LISTTOKEN_LEN);
	assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz234567"),
		LISTTOKEN_LEN);
	assert_true(listtoken_is(word, LISTTOKEN_LEN, key, LISTTOKEN_LEAVE, 0,
		"ann@x.test", 10));
	for (size_t i = 0; i < LISTTOKEN_LEN; i++)
		if (word[i] >= 'a')
			word[i] = (char)(word[i] - 32);
	assert_true(listtoken_is(word, LISTTOKEN_LEN, key, LISTTOKEN_LEAVE, 0,
		"ann@x.test", 10));
	assert_false(listtoken_is(word, LISTTOKEN_LEN, key, LISTTOKEN_PROBE, 0,
		"ann@x.test", 10));
	assert_false(listtoken_is(word, LISTTOKEN_LEN, key, LISTTOKEN_LEAVE, 1,
		"ann@x.test", 10));
	assert_false(listtoken_is(word, LISTTOKEN_LEN, key, LISTTOKEN_LEAVE, 0,
		"bob@x.test", 10));
	assert_false(listtoken_is(word, LISTTOKEN_LEN, other, LISTTOKEN_LEAVE,
		0, "ann@x.test", 10));
	assert_false(listtoken_is(word, LISTTOKEN_LEN - 1, key, LISTTOKEN_LEAVE,
		0, "ann@x.test", 10));
}

static void
commands_are_in_the_subject_or_the_text(void **state)
{
	static struct {
		char const *subject, *text;
		size_t count;
		enum listcmd_verb first;
	} const cases[] = {
		{"subscribe", "", 1, LISTCMD_SUBSCRIBE},
		{"Re: RE: Subscribe", "", 1, LISTCMD_SUBSCRIBE},
		{"subscribe digest", "help", 1, LISTCMD_SUBSCRIBE},
		{"subscribe me to your list please", "", 0, LISTCMD_NONE},
		{"hello", "\n  help\r\nwho\n-- \nadd a@b.test\n", 2,
			LISTCMD_HELP},
		{"", "set nomail\n", 1, LISTCMD_SET},
		{"", "set everything\n", 0, LISTCMD_NONE},
		{"", "Dear list,\nhelp\n", 0, LISTCMD_NONE},
		{"", "help me\n", 0, LISTCMD_NONE},
		{"", "add a@b.test digest\nremove a@b.test\nend\nwho", 2,
			LISTCMD_ADD},
		{"confirm abc", "", 1, LISTCMD_CONFIRM},
		{"leave", "", 1, LISTCMD_UNSUBSCRIBE},
		{"", "", 0, LISTCMD_NONE},
		{"", "who\nwho\nwho\nwho\nwho\nwho\nwho\nwho\nwho\nwho\nwho\n",
			LISTCMD_MAX, LISTCMD_WHO},
	};
	struct listcmd list[LISTCMD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t const a = strlen(cases[i].subject),
			     b = strlen(cases[i].text);
		char *const subject = block(cases[i].subject, a),
			    *const text = block(cases[i].text, b);

		assert_int_equal(listcmd_read(subject, a, text, b, list),
			cases[i].count);
		if (cases[i].count > 0)
			assert_int_equal(list[0].verb, cases[i].first);
		free(subject);
		free(text);
	}
}

static void
questions_are_answered_once_and_in_time(void **state)
{
	unsigned char const key[LISTTOKEN_KEY] = {9};
	struct listask a = {.expires = 200,
			       .action = LISTASK_JOIN,
			       .mode = MEMBER_DIGEST,
			       .address = "ann@x.test",
			       .address_len = 10,
			       .asker = "bob@x.test",
			       .asker_len = 10},
		       b = a, found;
	char word[LISTTOKEN_LEN + 1], second[LISTTOKEN_LEN + 1];
	stralloc text = STRALLOC_ZERO, again = STRALLOC_ZERO;

	(void)state;
	b.address = "eve@x.test";
	assert_true(listask_word(word, key, &a));
	assert_true(listask_word(second, key, &b));
	assert_true(listask_update(&text, "", 0, 100, NULL, &a));
	assert_true(listask_update(&again, text.s, text.len, 100, NULL, &b));
	assert_true(listask_find(
		again.s, again.len, key, 100, word, LISTTOKEN_LEN, &found));
	assert_int_equal(found.mode, MEMBER_DIGEST);
	assert_memory_equal(found.asker, "bob@x.test", 10);
	assert_true(listask_find(
		again.s, again.len, key, 199, second, LISTTOKEN_LEN, &found));
	assert_false(listask_find(
		again.s, again.len, key, 200, second, LISTTOKEN_LEN, &found));
	text.len = 0;
	assert_true(listask_update(&text, again.s, again.len, 100, &a, NULL));
	assert_false(listask_find(
		text.s, text.len, key, 100, word, LISTTOKEN_LEN, &found));
	/* A change in the file is no word's. */
	again.s[0] = '9';
	assert_false(listask_find(
		again.s, again.len, key, 100, word, LISTTOKEN_LEN, &found));
	assert_false(listask_parse("1 s a@b.test - ", 15, &found));
	assert_false(listask_parse("1 x a@b.test - a@b.test", 23, &found));
	stralloc_free(&text);
	stralloc_free(&again);
}

static void
a_probe_follows_several_days(void **state)
{
	struct listbounce b = {.address = "a@b.test", .address_len = 8};
	stralloc text = STRALLOC_ZERO, again = STRALLOC_ZERO;

	(void)state;
	assert_false(listbounce_count(&b, 100, 3));
	assert_false(listbounce_count(&b, 100, 3));
	assert_int_equal(b.count, 1);
	assert_false(listbounce_count(&b, 101, 3));
	assert_true(listbounce_count(&b, 105, 3));
	assert_false(listbounce_count(&b, 106, 3));
	assert_true(listbounce_count(&b, 112, 3));
	assert_true(listbounce_update(&text, "", 0, 112, &b));
	assert_true(listbounce_find(text.s, text.len, "A@B.TEST", 8, &b));
	assert_int_equal(b.probed, 112);
	/* Long enough without one: all is forgotten. */
	assert_false(listbounce_count(&b, 112 + 22, 3));
	assert_int_equal(b.count, 1);
	assert_int_equal(b.probed, 0);
	b.count = 0;
	assert_true(listbounce_update(&again, text.s, text.len, 113, &b));
	assert_int_equal(again.len, 0);
	assert_false(listbounce_find(text.s, text.len, "c@d.test", 8, &b));
	assert_false(listbounce_parse("a@b.test 1 2", 12, &b));
	assert_false(listbounce_parse("a@b.test 1 2 3 ", 15, &b));
	stralloc_free(&text);
	stralloc_free(&again);
}

static void
one_click_takes_nothing_else(void **state)
{
	static char const *const bad[] = {"", "/", "x", "/a@b.test",
		"/a@b.test/short", "/a/abcdefghijklmnopqrstuvwxyz234567",
		"/-f@b.test/abcdefghijklmnopqrstuvwxyz234567",
		"/a b@b.test/abcdefghijklmnopqrstuvwxyz234567",
		"/a@b<t/abcdefghijklmnopqrstuvwxyz234567",
		"/a@b.test/abcdefghijklmnopqrstuvwxyz23456/"};
	struct oneclick o;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(oneclick_path(bad[i], &o));
	assert_true(oneclick_path(
		"/dev@x.test/abcdefghijklmnopqrstuvwxyz234567", &o));
	assert_string_equal(o.list, "dev@x.test");
	assert_string_equal(o.address,
		"dev-unsubscribe+abcdefghijklmnopqrstuvwxyz234567@x.test");
	assert_true(oneclick_body("List-Unsubscribe=One-Click", 26));
	assert_true(oneclick_body("--x\r\nContent-Disposition: form-data; "
				  "name=\"List-Unsubscribe\"\r\n\r\n"
				  "One-Click\r\n--x--",
		80));
	assert_false(oneclick_body("List-Unsubscribe=No", 19));
	assert_false(oneclick_body("", 0));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(settings_say_what_they_say),
		cmocka_unit_test(settings_with_a_fault_name_its_line),
		cmocka_unit_test(each_address_has_its_role),
		cmocka_unit_test(members_are_found_changed_and_removed),
		cmocka_unit_test(many_members_are_one_text),
		cmocka_unit_test(what_is_no_member),
		cmocka_unit_test(
			words_are_known_in_any_case_and_stand_for_one_thing),
		cmocka_unit_test(commands_are_in_the_subject_or_the_text),
		cmocka_unit_test(questions_are_answered_once_and_in_time),
		cmocka_unit_test(a_probe_follows_several_days),
		cmocka_unit_test(one_click_takes_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
