/* imapd/view.h, journal.h, memory.h, select_args.h: what is remembered is
 * whole, or nothing is. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "imapd/flag_args.h"
#include "imapd/memory.h"
#include "imapd/objectid.h"
#include "imapd/select_args.h"

#define MESSAGES 20

static char top[] = "/tmp/imap_memory_test.XXXXXX";
static int folder = -1;

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL)
		return -1;
	folder = open(top, O_RDONLY | O_DIRECTORY);
	return folder < 0 ? -1 : 0;
}

static int
take_down(void **state)
{
	char command[100];

	(void)state;
	close(folder);
	snprintf(command, sizeof command, "rm -rf %s", top);
	return system(command);
}

/* A log with a flag, a removal and a new message behind its snapshot. */
static void
write_both(unsigned count, bool changes)
{
	struct journal none = JOURNAL_ZERO, j;
	struct msgtable t = MSGTABLE_ZERO;
	struct vanished const gone = {.uid = 99, .modseq = 40};
	struct view_head head = {
		.state = {.validity = 7, .highest = 50}, .floor = 30};
	struct journal_record const records[] = {
		{.type = JOURNAL_FLAGS,
			.uid = 103,
			.modseq = 51,
			.text = ":2,FS",
			.text_len = 5},
		{.type = JOURNAL_EXPUNGE, .uid = 105, .modseq = 52},
		{.type = JOURNAL_NEW,
			.uid = 200,
			.modseq = 53,
			.bits = JOURNAL_IN_NEW,
			.text = "new.one",
			.text_len = 7},
	};
	stralloc out = STRALLOC_ZERO;
	char name[64];

	for (unsigned i = 0; i < count; i++) {
		snprintf(
			name, sizeof name, "%u.base:2,%s", i, i % 2 ? "S" : "");
		assert_int_not_equal(
			msgtable_add(&t, name, strlen(name), 0), MSGTABLE_NONE);
		t.v[i].uid = 100 + i;
		t.v[i].modseq = 45;
		t.v[i].logged = msgtable_flags(&t.v[i]);
	}
	assert_true(journal_create(&j, folder, 7, &none, name));
	assert_true(journal_publish(folder, name, true));
	head.generations[0] = j.generation;
	head.positions[0] = j.pos;
	assert_true(view_write(folder, &head, &t, &gone, 1));
	for (size_t i = 0; changes && i < sizeof records / sizeof *records; i++)
		assert_true(journal_put(&out, &records[i]));
	assert_true(journal_append(&j, out.s, out.len));
	journal_close(&j);
	stralloc_free(&out);
	msgtable_free(&t);
}

static void
check_all(struct memory *m, struct msgtable *t)
{
	size_t i;

	assert_int_equal(t->count, MESSAGES);
	assert_int_equal(m->highest, 53);
	assert_int_equal(m->floor, 30);
	i = memory_find_uid(t, 103);
	assert_int_equal(t->v[i].modseq, 51);
	assert_int_equal(t->v[i].system, FLAG_FLAGGED | FLAG_SEEN);
	assert_string_equal(msgtable_name(t, i), "3.base:2,FS");
	assert_int_equal(t->v[memory_find_uid(t, 105)].uid, 106);
	i = msgtable_find(t, "new.one", 7);
	assert_int_equal(i, MESSAGES - 1);
	assert_int_equal(t->v[i].uid, 200);
	assert_true(t->v[i].state & MESSAGE_IN_NEW);
	assert_int_equal(msgtable_find(t, "7.base", 6), 6);
	assert_int_equal(memory_vanished_count(m), 2);
	assert_int_equal(memory_vanished(m, 0)->uid, 99);
	assert_int_equal(memory_vanished(m, 1)->uid, 105);
}

static int
truncateat(char const *name, off_t len)
{
	int const fd = openat(folder, name, O_WRONLY);
	int const r = ftruncate(fd, len);

	close(fd);
	return r;
}

static void
comes_back(void **state)
{
	(void)state;
	write_both(MESSAGES, true);
	struct memory m;
	struct msgtable t = MSGTABLE_ZERO;

	assert_int_equal(memory_load(&m, &t, folder, false), 1);
	assert_true(memory_check(&m, &t));
	check_all(&m, &t);
	msgtable_free(&t);
	memory_free(&m);
}

/* Only what is wanted is read, and what has been read stays when the file is
 * cut off; what has not is damage then. */
static void
parts_are_read_by_themselves(void **state)
{
	struct msgtable t = MSGTABLE_ZERO;
	struct memory m;

	(void)state;
	write_both(MESSAGES * 30, false);
	assert_int_equal(memory_load(&m, &t, folder, false), 1);
	assert_false(view_is_whole(&m.view, &t));
	assert_true(view_need_base(&m.view, &t, "7.base", 6));
	assert_true(view_need_uid(&m.view, &t, 120));
	assert_int_equal(truncateat(VIEW_FILE, 4096), 0);
	assert_int_equal(msgtable_find(&t, "7.base", 6), 7);
	assert_string_equal(msgtable_name(&t, 7), "7.base:2,S");
	assert_int_equal(t.v[memory_find_uid(&t, 120)].uid, 120);
	assert_false(memory_check(&m, &t));
	assert_false(view_need_name(&m.view, &t, 7));
	msgtable_free(&t);
	memory_free(&m);
}

/* To what has not been read more is added, and all are found. */
static void
added_behind_what_was_read(void **state)
{
	size_t const there = MESSAGES * 30, more = 600;
	struct msgtable t = MSGTABLE_ZERO;
	struct memory m;
	char name[64];

	(void)state;
	write_both((unsigned)there, false);
	assert_int_equal(memory_load(&m, &t, folder, false), 1);
	for (size_t i = there; i < there + more; i++) {
		size_t const len =
			(size_t)snprintf(name, sizeof name, "%zu.base:2,", i);

		assert_true(view_need_room(&m.view, &t));
		assert_int_equal(msgtable_add(&t, name, len, 0), i);
		t.v[i].uid = (uint32_t)(100 + i);
		/* Behind them is room for some. */
		if (i < there + 256)
			assert_false(view_is_whole(&m.view, &t));
		assert_true(view_need_uid(&m.view, &t, t.v[i].uid));
		assert_int_equal(memory_find_uid(&t, t.v[i].uid), i);
	}
	assert_true(memory_check(&m, &t));
	for (size_t i = 0; i < there + more; i++) {
		size_t const len =
			(size_t)snprintf(name, sizeof name, "%zu.base", i);

		assert_int_equal(msgtable_find(&t, name, len), i);
	}
	assert_int_equal(msgtable_find(&t, "none", 4), MSGTABLE_NONE);
	msgtable_free(&t);
	memory_free(&m);
}

/* With one octet of a file changed it is either refused or not different. */
static void
try_damage(char const *file, off_t at, unsigned char with)
{
	int const fd = openat(folder, file, O_RDWR);
	struct msgtable t = MSGTABLE_ZERO;
	unsigned char was = 0, is;
	struct memory m;

	assert_true(fd >= 0 && pread(fd, &was, 1, at) == 1);
	is = was ^ with;
	assert_int_equal(pwrite(fd, &is, 1, at), 1);
	if (memory_load(&m, &t, folder, false) == 1 && memory_check(&m, &t))
		check_all(&m, &t);
	msgtable_free(&t);
	memory_free(&m);
	assert_int_equal(pwrite(fd, &was, 1, at), 1);
	close(fd);
}

static void
damage_is_seen(void **state)
{
	static char const *const files[] = {VIEW_FILE, JOURNAL_FILE};

	(void)state;
	write_both(MESSAGES, true);
	for (size_t k = 0; k < 2; k++) {
		struct stat st;

		assert_int_equal(fstatat(folder, files[k], &st, 0), 0);
		for (off_t at = 0; at < st.st_size;
			at += k == 0 && at > 400 ? 13 : 1)
			try_damage(files[k], at, (unsigned char)(1u << at % 8));
	}
}

static void
one_without_the_other_is_nothing(void **state)
{
	struct msgtable t = MSGTABLE_ZERO;
	struct memory m;

	(void)state;
	write_both(MESSAGES, true);
	assert_int_equal(renameat(folder, VIEW_FILE, folder, "old"), 0);
	assert_int_equal(memory_load(&m, &t, folder, false), 0);
	write_both(MESSAGES, true);
	/* A snapshot of another log. */
	assert_int_equal(renameat(folder, "old", folder, VIEW_FILE), 0);
	assert_int_equal(memory_load(&m, &t, folder, false), 0);
	assert_int_equal(t.count, 0);
}

static struct {
	char const *in;
	bool ok;
	uint64_t modseq;
	char const *known, *uids;
} const selects[] = {
	{"", true, 0, "", ""},
	{" ", true, 0, "", ""},
	{" (CONDSTORE)", true, 0, "", ""},
	{" (QRESYNC (67 90060115194045000))", true, 90060115194045000, "", ""},
	{" (QRESYNC (67 9 41,43:211) CONDSTORE)", true, 9, "41,43:211", ""},
	{" (QRESYNC (67 9 1:9 (5,7:9 15,17:19)))", true, 9, "1:9", "15,17:19"},
	{" (QRESYNC (67 9 (5 15)))", true, 9, "", "15"},
	{" (QRESYNC (0 9))", false, 0, "", ""},
	{" (QRESYNC (67 0))", false, 0, "", ""},
	{" (QRESYNC (67 9223372036854775808))", false, 0, "", ""},
	{" (QRESYNC (67 9 1:*))", false, 0, "", ""},
	{" (QRESYNC (67 9 1:9 (7,5 15,17)))", false, 0, "", ""},
	{" (QRESYNC (67 9 1:9 (5)))", false, 0, "", ""},
	{" (QRESYNC)", false, 0, "", ""},
	{" ()", false, 0, "", ""},
	{" (CONDSTORE", false, 0, "", ""},
	{" CONDSTORE", false, 0, "", ""},
};

static void
parameters_of_select(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof selects / sizeof *selects; i++) {
		size_t const len = strlen(selects[i].in);
		char *const in = malloc(len + !len), *const text = malloc(64);
		struct select_args a;
		struct lex l;

		assert_non_null(in);
		memcpy(in, selects[i].in, len);
		lex_init(&l, in, len, text);
		if (select_args_lex(&l, &a) != selects[i].ok)
			fail_msg("%s", selects[i].in);
		if (selects[i].ok) {
			assert_int_equal(a.modseq, selects[i].modseq);
			assert_int_equal(a.known.len, strlen(selects[i].known));
			assert_int_equal(
				a.match_uids.len, strlen(selects[i].uids));
		}
		free(in);
		free(text);
	}
}

static void
dates_in_names(void **state)
{
	int64_t seconds;

	(void)state;
	assert_true(
		objectid_savedate("1276528487.M364837P9451.host", &seconds));
	assert_int_equal(seconds, 1276528487);
	assert_false(objectid_savedate("x.1", &seconds));
	assert_false(objectid_savedate("12", &seconds));
	assert_false(objectid_savedate("99999999999.x", &seconds));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(parts_are_read_by_themselves),
		cmocka_unit_test(added_behind_what_was_read),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(one_without_the_other_is_nothing),
		cmocka_unit_test(parameters_of_select),
		cmocka_unit_test(dates_in_names),
	};

	return cmocka_run_group_tests(tests, set_up, take_down);
}
