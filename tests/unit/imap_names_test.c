/* imapd/boxname.h, filename.h, uidlist.h's and keywords.h's parsers, fold.h,
 * crlf.h's counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/boxname.h"
#include "imapd/crlf.h"
#include "common/filename.h"
#include "imapd/flag_args.h"
#include "mime/fold.h"
#include "imapd/keywords.h"
#include "common/uidlist.h"

static char *
exact(char const *s, size_t len)
{
	static char *block;

	free(block);
	block = malloc(len > 0 ? len : 1);
	assert_non_null(block);
	memcpy(block, s, len);
	return block;
}

static struct {
	char const *in, *wanted;
} const boxes[] = {
	{"inbox", "INBOX"},
	{"Inbox.foo", "INBOX.foo"},
	{"inboxes", "inboxes"},
	{"a.b", "a.b"},
	{"p&AOQA5A-", "p&AOQA5A-"},
	{"&-", "&-"},
	{"&2D3eCg-", "&2D3eCg-"},
	{"&2D0-", NULL},      /* half of a pair */
	{"&AGE-", NULL},      /* `a` must stand for itself */
	{"&AC8-", NULL},      /* `/` */
	{"&AAA-", NULL},      /* NUL */
	{"&AOQ", NULL},	      /* no end */
	{"&AOR-", NULL},      /* bits left over */
	{"&AOQ-&AOQ-", NULL}, /* could have been one */
	{"&", NULL},
	{"a/b", NULL},
	{"..", NULL},
	{".a", NULL},
	{"a.", NULL},
	{"a..b", NULL},
	{"a\nb", NULL},
	{"\xc3\xa9", NULL},
	{"", NULL},
};

static void
checks_mailbox_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
		size_t const len = strlen(boxes[i].in);
		char name[BOXNAME_MAX + 1];
		bool const ok =
			boxname_check(exact(boxes[i].in, len), len, name);

		if (ok != (boxes[i].wanted != NULL) ||
			(ok && strcmp(name, boxes[i].wanted) != 0))
			fail_msg("%s", boxes[i].in);
	}
}

static struct {
	char const *pattern, *name;
	bool wanted;
} const patterns[] = {
	{"*", "a.b", true},
	{"%", "a.b", false},
	{"%", "a", true},
	{"%.%", "a.b", true},
	{"a*", "a", true},
	{"*b", "a.b", true},
	{"%b", "a.b", false},
	{"%t*4", "x.t4", false},
	{"x.%t*4", "x.at.4", true},
	{"inbox", "INBOX", true},
	{"inbox.%", "INBOX.x", true},
	{"sent", "Sent", false},
	{"", "a", false},
	{"a%%%%*b", "axxb", true},
};

static void
matches_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		if (boxname_match(patterns[i].pattern,
			    strlen(patterns[i].pattern), patterns[i].name,
			    strlen(patterns[i].name)) != patterns[i].wanted)
			fail_msg(
				"%s %s", patterns[i].pattern, patterns[i].name);
}

static struct {
	char const *old;
	unsigned system;
	uint32_t keywords;
	char const *wanted;
} const renames[] = {
	{"1.a", 0, 0, "1.a:2,"},
	{"1.a:2,S", FLAG_SEEN | FLAG_FLAGGED, 0, "1.a:2,FS"},
	{"1.a:2,SF", FLAG_SEEN, 5, "1.a:2,Sac"},
	{"1.a:2,PZ", FLAG_DELETED, 0, "1.a:2,PTZ"},
	{"1.a,S=5,W=6:2,RSTabc", FLAG_ANSWERED, 2, "1.a,S=5,W=6:2,Rb"},
	{"1.a:2,S,X=1", 0, 0, "1.a:2,,X=1"},
	{"1.a:1,foo", FLAG_DRAFT, 0, "1.a:2,D"},
};

static void
makes_file_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof renames / sizeof *renames; i++) {
		size_t const len = strlen(renames[i].old);
		char out[FILENAME_MAX_LEN + 1];
		size_t const n = filename_make(exact(renames[i].old, len), len,
			renames[i].system, renames[i].keywords, out);

		if (n != strlen(renames[i].wanted) ||
			strcmp(out, renames[i].wanted) != 0)
			fail_msg("%s: %s", renames[i].old, out);

		struct filename f;

		filename_parse(out, n, &f);
		assert_int_equal(f.system, renames[i].system);
		assert_int_equal(f.keywords, renames[i].keywords);
	}
}

static void
reads_sizes_in_names(void **state)
{
	static char const name[] = "1.M2P3.h,S=123,W=130";
	uint64_t size;

	(void)state;
	assert_true(filename_size(name, strlen(name), 'S', &size));
	assert_int_equal(size, 123);
	assert_true(filename_size(name, strlen(name), 'W', &size));
	assert_int_equal(size, 130);
	assert_false(filename_size("1,W=", 4, 'W', &size));
	assert_false(filename_size("1,W=5x", 6, 'W', &size));
	assert_false(filename_size("1,W=99999999999999", 18, 'W', &size));
	assert_false(filename_size("1", 1, 'W', &size));
}

static struct {
	char const *in;
	int version;
	uint32_t uid; /* 0: refused */
	char const *name;
} const lines[] = {
	{"25006 :127.M3P9.h,S=1,W=2", 3, 25006, "127.M3P9.h,S=1,W=2"},
	{"25006 :127.h:2,S", 3, 25006, "127.h"},
	{"7 W2481 P3 :1.a b", 3, 7, "1.a b"},
	{"7 1.a:2,", 1, 7, "1.a"},
	{"0 :a", 3, 0, NULL},
	{"x :a", 3, 0, NULL},
	{"4294967296 :a", 3, 0, NULL},
	{"7 :", 3, 0, NULL},
	{"7", 3, 0, NULL},
	{"7 W1", 3, 0, NULL},
	{"7 :a/b", 3, 0, NULL},
	{"", 3, 0, NULL},
};

static void
reads_uidlist_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		size_t const len = strlen(lines[i].in);
		struct uidlist_line line;
		bool const ok = uidlist_parse_line(
			exact(lines[i].in, len), len, lines[i].version, &line);

		if (ok != (lines[i].uid != 0))
			fail_msg("%s", lines[i].in);
		if (!ok)
			continue;
		if (line.uid != lines[i].uid ||
			line.name_len != strlen(lines[i].name) ||
			memcmp(line.name, lines[i].name, line.name_len) != 0)
			fail_msg("%s", lines[i].in);
	}
}

static void
reads_uidlist_headers(void **state)
{
	static char const *const bad[] = {"", "3", "3 V1", "3 N1", "2 V1 N1",
		"3 V0 N1", "3 Vx N1", "1 5", "1 5 ", "3 V4294967296 N1"};
	struct uidlist_header h;
	char const good[] = "3 V1275660208 N25022 G3085 Xfoo";

	(void)state;
	assert_true(uidlist_parse_header(
		exact(good, strlen(good)), strlen(good), &h));
	assert_int_equal(h.validity, 1275660208);
	assert_int_equal(h.next, 25022);
	assert_true(uidlist_parse_header(exact("1 5 6", 5), 5, &h));
	assert_int_equal(h.version, 1);
	assert_int_equal(h.validity, 5);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (uidlist_parse_header(
			    exact(bad[i], strlen(bad[i])), strlen(bad[i]), &h))
			fail_msg("%s", bad[i]);
}

static void
reads_keywords(void **state)
{
	static char const text[] = "0 $Forwarded\n25 Last\n26 Beyond\n"
				   "x y\n3 \n4 a b\n1 Work";
	struct keywords k;

	(void)state;
	keywords_parse(&k, exact(text, strlen(text)), strlen(text));
	assert_int_equal(keywords_find(&k, "$forwarded", 10), 0);
	assert_int_equal(keywords_find(&k, "Last", 4), 25);
	assert_int_equal(keywords_find(&k, "WORK", 4), 1);
	assert_int_equal(keywords_find(&k, "Beyond", 6), -1);
	assert_int_equal(keywords_find(&k, "a b", 3), -1);
	assert_int_equal(keywords_find(&k, "", 0), -1);
}

static void
folds_case(void **state)
{
	char text[] = "ABCxyz \xc3\x84\xc3\x9f\xc3\x97 \xce\xa3\xcf\x82 "
		      "\xd0\x96 \xc5\x81 \xff\xc3";
	char const wanted[] = "abcxyz \xc3\xa4\xc3\x9f\xc3\x97 "
			      "\xcf\x83\xcf\x83 \xd0\xb6 \xc5\x82 \xff\xc3";
	char *const s = exact(text, sizeof text - 1);

	(void)state;
	fold(s, sizeof text - 1);
	assert_memory_equal(s, wanted, sizeof wanted - 1);
}

static void
counts_line_ends_over_pieces(void **state)
{
	static char const text[] = "a\nb\r\nc\r\r\n\n\r";

	(void)state;
	for (size_t cut = 0; cut < sizeof text; cut++) {
		struct crlf c = {0};
		uint64_t const size =
			crlf_size(&c, text, cut) +
			crlf_size(&c, text + cut, sizeof text - 1 - cut);

		assert_int_equal(size, sizeof text - 1 + 2);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(checks_mailbox_names),
		cmocka_unit_test(matches_patterns),
		cmocka_unit_test(makes_file_names),
		cmocka_unit_test(reads_sizes_in_names),
		cmocka_unit_test(reads_uidlist_lines),
		cmocka_unit_test(reads_uidlist_headers),
		cmocka_unit_test(reads_keywords),
		cmocka_unit_test(folds_case),
		cmocka_unit_test(counts_line_ends_over_pieces),
	};
	int const failed = cmocka_run_group_tests(tests, NULL, NULL);

	(void)exact("", 0);
	return failed;
}
