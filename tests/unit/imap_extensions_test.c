/* URLs, names in UTF-8, quotas, LIST, previews, binary parts. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/annotations.h"
#include "imapd/imapurl.h"
#include "imapd/list_args.h"
#include "imapd/notify_args.h"
#include "common/quota.h"
#include "imapd/recode.h"
#include "imapd/search_indexed.h"
#include "imapd/status.h"
#include "common/use.h"
#include "common/utf7.h"
#include "tests/unit/exact.h"

static void
urls(void **state)
{
	static struct {
		char const *text, *mailbox, *section;
		uint32_t validity, uid, origin, length;
	} const good[] = {
		{"/INBOX/;UID=20", "INBOX", "", 0, 20, 0, 0},
		{"/inbox;uidvalidity=7/;uid=1/;section=1.2.MIME", "INBOX",
			"1.2.MIME", 7, 1, 0, 0},
		{"/;UID=3/;PARTIAL=5.10", "", "", 0, 3, 5, 10},
		{"/a%2Eb;UIDVALIDITY=1/;UID=4294967295/;PARTIAL=9", "a.b", "",
			1, 4294967295u, 9, 0},
		{"/%E6%97%A5&/;UID=1/;SECTION=HEADER.FIELDS%20(TO)", "&ZeU-&-",
			"HEADER.FIELDS (TO)", 0, 1, 0, 0},
	};
	static char const *const bad[] = {"", "/", "INBOX/;UID=1",
		"/INBOX;UID=1", "/INBOX/;UID=0", "/INBOX/;UID=4294967296",
		"/INBOX/;UID=", "/INBOX/;UID=1x", "/INBOX/;UID=1/;SECTION=",
		"/INBOX/;UID=1/;PARTIAL=", "/INBOX/;UID=1/;PARTIAL=1.0",
		"/a%2/;UID=1", "/a%zz/;UID=1", "/a%00/;UID=1", "/%FF/;UID=1",
		"/a%2Fb/;UID=1", "/.a/;UID=1", "imap://h/INBOX/;UID=1",
		"/;UIDVALIDITY=1/;UID=1", "/INBOX;UIDVALIDITY=0/;UID=1"};
	struct imapurl url;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		size_t const len = strlen(good[i].text);
		char *const s = exact(good[i].text, len);

		assert_true(imapurl_parse(s, len, &url));
		assert_string_equal(url.mailbox, good[i].mailbox);
		assert_int_equal(url.section_len, strlen(good[i].section));
		assert_memory_equal(
			url.section, good[i].section, url.section_len);
		assert_int_equal(url.validity, good[i].validity);
		assert_int_equal(url.uid, good[i].uid);
		assert_int_equal(url.origin, good[i].origin);
		assert_int_equal(url.length, good[i].length);
		free(s);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t const len = strlen(bad[i]);
		char *const s = exact(bad[i], len);

		assert_false(imapurl_parse(s, len, &url));
		free(s);
	}
}

static void
names(void **state)
{
	static char const *const pairs[][2] = {{"a", "a"}, {"&", "&-"},
		{"a&b", "a&-b"}, {"\xc3\xa4", "&AOQ-"},
		{"\xc3\xa4&", "&AOQ-&-"}, {"\xc3\xa4x\xc3\xa4", "&AOQ-x&AOQ-"},
		{"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "&ZeVnLIqe-"},
		{"\xf0\x9f\x98\x80!", "&2D3eAA-!"}};
	static char const *const bad[] = {"\x80", "\xc3", "\xc0\x80",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe6\x97"};
	char out[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		size_t const n = strlen(pairs[i][0]);
		char *s = exact(pairs[i][0], n);

		assert_true(utf7_encode(s, n, out, &len));
		assert_int_equal(len, strlen(pairs[i][1]));
		assert_memory_equal(out, pairs[i][1], len);
		free(s);
		s = exact(pairs[i][1], len);
		assert_true(boxname_utf7(s, len));
		len = utf7_decode(s, len, out);
		assert_int_equal(len, n);
		assert_memory_equal(out, pairs[i][0], n);
		free(s);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t const n = strlen(bad[i]);
		char *const s = exact(bad[i], n);

		assert_false(utf7_encode(s, n, out, &len));
		assert_false(utf8_valid(s, n));
		free(s);
	}
}

static void
quotas(void **state)
{
	static struct {
		char const *text;
		bool good;
		uint64_t max_octets, max_messages;
		int64_t octets, messages;
	} const rows[] = {
		{"1000S,10C\n5 1\n7 1\n-5 -1\n", true, 1000, 10, 7, 1},
		{"1000S\n  5    1\n", true, 1000, 0, 5, 1},
		{"3C\n", true, 0, 3, 0, 0},
		{"\n", true, 0, 0, 0, 0},
		{"", false, 0, 0, 0, 0},
		{"1000S", false, 1000, 0, 0, 0},
		{"1000X\n", false, 0, 0, 0, 0},
		{"S\n", false, 0, 0, 0, 0},
		{"1000S\n-5 -1\n", false, 1000, 0, -5, -1},
		{"1000S\n5\n", false, 1000, 0, 0, 0},
		{"1000S\n5 1", false, 1000, 0, 0, 0},
		{"99999999999999999999S\n", false, 0, 0, 0, 0},
	};
	struct quota q;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t const len = strlen(rows[i].text);
		char *const s = exact(rows[i].text, len);

		assert_int_equal(quota_parse(s, len, &q), rows[i].good);
		assert_int_equal(q.max_octets, rows[i].max_octets);
		assert_int_equal(q.max_messages, rows[i].max_messages);
		assert_int_equal(q.octets, rows[i].octets);
		assert_int_equal(q.messages, rows[i].messages);
		free(s);
	}
	q = (struct quota){.max_octets = 10, .max_messages = 2, .octets = 4};
	assert_true(quota_allows(&q, 6, 2));
	assert_false(quota_allows(&q, 7, 1));
	assert_false(quota_allows(&q, UINT64_MAX, 1));
	assert_false(quota_allows(&q, 1, 3));
	assert_int_equal(quota_size("1.a.h,S=18,W=20:2,S"), 18);
	assert_int_equal(quota_size("1.a.h:2,S"), 0);
}

static void
lists(void **state)
{
	static struct {
		char const *text;
		bool good;
		size_t count;
		unsigned select, returns;
	} const rows[] = {
		{" \"\" \"*\"", true, 1, 0, 0},
		{" \"\" \"\"", true, 0, 0, 0},
		{" () \"\" (a b %)", true, 3, 0, 0},
		{" (SUBSCRIBED) \"\" *", true, 1, LIST_SUBSCRIBED,
			LIST_SUBSCRIBED},
		{" (recursivematch special-use) a. %", true, 1,
			LIST_RECURSIVE | LIST_SPECIAL_USE, LIST_SPECIAL_USE},
		{" (RECURSIVEMATCH) \"\" *", false, 0, 0, 0},
		{" (RECURSIVEMATCH REMOTE) \"\" *", false, 0, 0, 0},
		{" \"\" * RETURN (CHILDREN STATUS (MESSAGES SIZE))", true, 1, 0,
			LIST_CHILDREN | LIST_STATUS},
		{" \"\" * RETURN (STATUS ())", false, 0, 0, 0},
		{" \"\" * RETURN", false, 0, 0, 0},
		{" \"\" *x)", false, 0, 0, 0},
		{" \"\" ()", false, 0, 0, 0},
		{"", false, 0, 0, 0},
	};
	static struct list_args args;
	char text[128];
	struct lex l;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t const len = strlen(rows[i].text);
		char *const s = exact(rows[i].text, len);

		lex_init(&l, s, len, text);
		assert_int_equal(
			list_args_lex(&l, false, false, status_lex, &args),
			rows[i].good);
		if (rows[i].good) {
			assert_int_equal(args.count, rows[i].count);
			assert_int_equal(args.select, rows[i].select);
			assert_int_equal(args.returns, rows[i].returns);
		}
		free(s);
	}
}

static void
notifications(void **state)
{
	static char const set[] = " SET STATUS (selected (MessageNew (UID "
				  "FLAGS) MessageExpunge)) (subtree (a \"b\") "
				  "(MessageNew MessageExpunge FlagChange)) "
				  "(subscribed (MailboxName))";
	static struct notify_args args;
	char *const s = exact(set, sizeof set - 1);
	char text[sizeof set];
	struct lex l;

	(void)state;
	lex_init(&l, s, sizeof set - 1, text);
	assert_true(notify_args_lex(&l, false, &args));
	assert_true(args.on && args.status && !args.delayed);
	assert_int_equal(args.selected, NOTIFY_NEW | NOTIFY_EXPUNGE);
	assert_int_equal(args.fetch_len, strlen("(UID FLAGS)"));
	assert_memory_equal(args.fetch, "(UID FLAGS)", args.fetch_len);
	assert_int_equal(
		notify_args_events(&args, "a", false), NOTIFY_MESSAGES);
	assert_int_equal(notify_args_events(&args, "b.c", true),
		NOTIFY_MESSAGES | NOTIFY_NAME);
	assert_int_equal(notify_args_events(&args, "bc", false), 0);
	free(s);
}

static void
entries(void **state)
{
	static char const *const good[] = {
		"/private/comment", "/Shared/A/b", "/private", "/shared"};
	static char const *const bad[] = {"", "/", "private/a", "/privat/a",
		"/private/", "/private//a", "/private/a*", "/private/%a",
		"/private/\x80", "/privatex", "/sharedx/a"};
	char name[ANNOTATIONS_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(annotations_name(good[i], strlen(good[i]), name));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(annotations_name(bad[i], strlen(bad[i]), name));
	assert_true(use_valid("\\sent \\Drafts", 13));
	assert_true(use_valid("", 0));
	assert_false(use_valid("\\Sent \\Sent", 11));
	assert_false(use_valid("\\All", 4));
	assert_false(use_valid("Sent", 4));
}

static void
binary(void **state)
{
	static char const message[] =
		"Content-Type: a/b\nContent-Transfer-Encoding: "
		"Binary\n\n\0\1\n";
	static char const wanted[] = "Content-Type: a/b\n"
				     "Content-Transfer-Encoding: base64\n\n"
				     "AAEK\n";
	stralloc out = STRALLOC_ZERO;
	char *const s = exact(message, sizeof message - 1);

	(void)state;
	assert_true(recode_binary(&out, s, sizeof message - 1));
	assert_int_equal(out.len, sizeof wanted - 1);
	assert_memory_equal(out.s, wanted, out.len);
	assert_false(recode_binary(&out, "a\n\n\0", 4));
	assert_int_equal(errno, EILSEQ);
	stralloc_free(&out);
	free(s);
}

/* RFC 9585: told now and then, and not at once. */
static void
progress(void **state)
{
	static char const told[] =
		"* OK [INPROGRESS (\"a1\" 256 1000)] Searching\r\n";
	static struct session s;
	static struct stream stream;
	static struct search q;
	volatile sig_atomic_t stop = 0;
	char text[200];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	stream_init(&stream, -1, fds[1], 1000);
	stream.stop = &stop;
	s.stream = &stream;
	s.command.tag = (struct lex_text){"a1", 2};
	q.message.s = &s;
	assert_true(search_progress(&q, 10, 1000));
	q.told_s -= 11;
	assert_true(search_progress(&q, 256, 1000));
	assert_true(search_progress(&q, 512, 1000));
	assert_int_equal(read(fds[0], text, sizeof text), sizeof told - 1);
	assert_memory_equal(text, told, sizeof told - 1);
	/* Nor does a search hold up the end of the program. */
	stop = 1;
	assert_false(search_progress(&q, 513, 1000));
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(names),
		cmocka_unit_test(quotas),
		cmocka_unit_test(lists),
		cmocka_unit_test(notifications),
		cmocka_unit_test(entries),
		cmocka_unit_test(binary),
		cmocka_unit_test(progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
