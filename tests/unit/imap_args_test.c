/* imapd/fetch_args.h, search_key.h and flag_args.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imapd/fetch_args.h"
#include "imapd/flag_args.h"
#include "imapd/search_key.h"

static char *copy, *text;

static struct lex
start(char const *s)
{
	size_t const len = strlen(s);
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
	char const *in;
	size_t items; /* 0: refused */
} const fetches[] = {
	{"flags", 1},
	{"(flags uid)", 2},
	{"ALL", 4},
	{"FULL", 5},
	{"fast", 3},
	{"(UID ALL)", 5},
	{"BODY", 1},
	{"BODYSTRUCTURE", 1},
	{"BODY[]", 1},
	{"BODY.PEEK[]<0.10>", 1},
	{"BODY[1.2.MIME]", 1},
	{"body[header.fields (a \"b c\" {1}\r\nd)]", 1},
	{"BODY[HEADER.FIELDS.NOT (x)]<1.1>", 1},
	{"(RFC822 RFC822.SIZE RFC822.HEADER RFC822.TEXT)", 4},
	{"BODY[]<0.0>", 0},
	{"BODY[]<0>", 0},
	{"BODY[HEADER.FIELDS]", 0},
	{"BODY[HEADER.FIELDS ()]", 0},
	{"BODY[MIME]", 0},
	{"BODY[0]", 0},
	{"BODY[1", 0},
	{"BODY.PEEK", 0},
	{"ENVELOPE[]", 0},
	{"()", 0},
	{"(flags", 0},
	{"(flags )", 0},
	{"flags uid", 0},
	{"", 0},
};

static void
reads_fetch(void **state)
{
	static struct fetch_args args;

	(void)state;
	for (size_t i = 0; i < sizeof fetches / sizeof *fetches; i++) {
		struct lex l = start(fetches[i].in);
		bool const ok = fetch_args_lex(&l, &args) && lex_end(&l);

		if (ok != (fetches[i].items > 0) ||
			(ok && args.items_count != fetches[i].items))
			fail_msg("%s", fetches[i].in);
	}
}

static void
peek_does_not_set_seen(void **state)
{
	static struct fetch_args args;
	struct lex l = start("(BODY[] BODY.PEEK[] RFC822.HEADER RFC822)");

	(void)state;
	assert_true(fetch_args_lex(&l, &args));
	assert_true(args.items[0].sets_seen);
	assert_false(args.items[1].sets_seen);
	assert_false(args.items[2].sets_seen);
	assert_true(args.items[3].sets_seen);
}

static void
too_many_fetch_items_are_refused(void **state)
{
	static struct fetch_args args;
	char in[16 * FETCH_ITEMS_MAX] = "(FLAGS";

	(void)state;
	for (size_t i = 0; i < FETCH_ITEMS_MAX; i++)
		strcat(in, " FLAGS");
	strcat(in, ")");

	struct lex l = start(in);

	assert_false(fetch_args_lex(&l, &args));
}

static struct {
	char const *in;
	bool ok;
} const searches[] = {
	{"ALL", true},
	{"1:3,5 UNSEEN", true},
	{"OR (FROM a TO b) NOT SUBJECT {1}\r\nc", true},
	{"CHARSET UTF-8 TEXT \"x\"", true},
	{"HEADER Message-ID \"\"", true},
	{"UID 1:* KEYWORD $x UNKEYWORD y", true},
	{"SINCE 1-Feb-1994 SENTBEFORE \"2-Mar-2000\"", true},
	{"LARGER 5 SMALLER 4294967295", true},
	{"$", true},
	{"OR $ UID $", true},
	{"OLDER 1 YOUNGER 4294967295", true},
	{"OLDER 0", false},
	{"MODSEQ 620162338", true},
	{"MODSEQ \"/flags/\\\\draft\" all 620162338", true},
	{"MODSEQ \"/flags/x\" 5", false},
	{"MODSEQ", false},
	{"SAVEDBEFORE 1-Feb-1994 SAVEDATESUPPORTED", true},
	{"EMAILID M1 THREADID T1", true},
	{"$,1", false},
	{"OR ALL", false},
	{"NOT", false},
	{"()", false},
	{"(ALL", false},
	{"FROM", false},
	{"BEFORE 1-Feb", false},
	{"LARGER x", false},
	{"LARGER 4294967296", false},
	{"FOO", false},
	{"CHARSET UTF-8", false},
	{"", false},
};

static void
reads_search(void **state)
{
	static struct search_args args;

	(void)state;
	for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
		struct lex l = start(searches[i].in);

		if ((search_args_lex(&l, &args) && lex_end(&l)) !=
			searches[i].ok)
			fail_msg("%s", searches[i].in);
	}
}

static void
search_makes_a_tree(void **state)
{
	static struct search_args args;
	struct lex l = start("OR SEEN (FLAGGED DRAFT) NOT 1");

	(void)state;
	assert_true(search_args_lex(&l, &args));

	struct search_key const *const root = &args.keys[0];
	struct search_key const *const either = &args.keys[root->child];
	struct search_key const *const not = &args.keys[either->next];
	struct search_key const *const seen = &args.keys[either->child];

	assert_int_equal(root->kind, SEARCH_AND);
	assert_int_equal(either->kind, SEARCH_OR);
	assert_int_equal(seen->kind, SEARCH_FLAGS);
	assert_int_equal(seen->system, FLAG_SEEN);
	assert_int_equal(args.keys[seen->next].kind, SEARCH_AND);
	assert_int_equal(not ->kind, SEARCH_NOT);
	assert_int_equal(not ->next, SEARCH_NONE);
	assert_int_equal(args.keys[not ->child].kind, SEARCH_SET);
}

static void
deep_and_long_searches_are_refused(void **state)
{
	static struct search_args args;
	static char in[8 * (SEARCH_KEYS_MAX + 2)];
	struct lex l;

	(void)state;
	for (size_t i = 0; i <= SEARCH_DEPTH_MAX + 1; i++)
		strcat(in, "NOT ");
	strcat(in, "ALL");
	l = start(in);
	assert_false(search_args_lex(&l, &args));
	memset(in, '(', 2000);
	in[2000] = '\0';
	l = start(in);
	assert_false(search_args_lex(&l, &args));
	strcpy(in, "ALL");
	for (size_t i = 0; i < SEARCH_KEYS_MAX; i++)
		memcpy(in + 3 + 4 * i, " ALL", 5);
	l = start(in);
	assert_false(search_args_lex(&l, &args));
}

static struct {
	char const *in;
	bool ok;
	enum flag_store how;
	bool silent;
	unsigned system, keywords;
} const stores[] = {
	{"FLAGS (\\Seen)", true, FLAG_STORE_SET, false, FLAG_SEEN, 0},
	{"+flags.silent \\deleted $X", true, FLAG_STORE_ADD, true, FLAG_DELETED,
		1},
	{"-FLAGS (a A \\Recent)", true, FLAG_STORE_REMOVE, false, 0, 1},
	{"FLAGS ()", true, FLAG_STORE_SET, false, 0, 0},
	{"FLAGS", false, 0, false, 0, 0},
	{"FLAGS (\\Foo)", false, 0, false, 0, 0},
	{"FLAGS (\\*)", false, 0, false, 0, 0},
	{"FLAGS (a", false, 0, false, 0, 0},
	{"+FLAG (a)", false, 0, false, 0, 0},
};

static void
reads_store(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
		struct lex l = start(stores[i].in);
		struct flag_args args;
		enum flag_store how;
		bool silent;
		bool const ok = flag_args_store(&l, &how, &silent, &args) &&
				lex_end(&l);

		if (ok != stores[i].ok ||
			(ok && (how != stores[i].how ||
				       silent != stores[i].silent ||
				       args.system != stores[i].system ||
				       args.keywords_count !=
					       stores[i].keywords)))
			fail_msg("%s", stores[i].in);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(reads_fetch),
		cmocka_unit_test(peek_does_not_set_seen),
		cmocka_unit_test(too_many_fetch_items_are_refused),
		cmocka_unit_test(reads_search),
		cmocka_unit_test(search_makes_a_tree),
		cmocka_unit_test(deep_and_long_searches_are_refused),
		cmocka_unit_test(reads_store),
	};
	int const failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(copy);
	free(text);
	return failed;
}
