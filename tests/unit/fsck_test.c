/* The text files that kereru fsck judges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/admin/fsck.h"
#include "exact.h"

struct uid_case {
	char const *name, *in, *guid, *out;
	size_t unreadable, disorder;
	bool no_header, unended;
};

static struct uid_case const uid_cases[] = {
	{"what is well stays as it is", "3 V1 N3 Gabc X1\n1 :a\n2 W3 :b,S=1\n",
		NULL, "3 V1 N3 Gabc X1\n1 :a\n2 W3 :b,S=1\n", 0, 0, false,
		false},
	{"an older version", "1 7 3\n1 a\n2 b\n", NULL, "1 7 3\n1 a\n2 b\n", 0,
		0, false, false},
	{"the next UID is above all", "3 V1 N3 Gabc\n7 :a\n", NULL,
		"3 V1 N8 Gabc\n7 :a\n", 0, 0, false, false},
	{"the greatest UID", "3 V1 N3\n4294967295 :a\n", NULL,
		"3 V1 N3\n4294967295 :a\n", 0, 0, false, false},
	{"a UID twice: the first has it", "3 V1 N9\n1 :a\n1 :b\n", NULL,
		"3 V1 N9\n1 :a\n", 0, 1, false, false},
	{"a file twice: the last counts", "3 V1 N9\n1 :a\n2 :b\n3 :a\n", NULL,
		"3 V1 N9\n2 :b\n3 :a\n", 0, 0, false, false},
	{"no sense", "3 V1 N9\nx\n\n2 b\n0 :c\n3 :d\n", NULL, "3 V1 N9\n3 :d\n",
		4, 0, false, false},
	{"cut short", "3 V1 N9\n1 :a\n2 :b", NULL, "3 V1 N9\n1 :a\n", 0, 0,
		false, true},
	{"no validity", "3 N9\n1 :a\n", NULL, "", 0, 0, true, false},
	{"nothing", "", NULL, "", 0, 0, true, false},
	{"another id", "3 V1 Gabc N9\n", "xyz", "3 V1 N9 Gxyz\n", 0, 0, false,
		false},
	{"an id where none was", "3 V1 N9\n", "xyz", "3 V1 N9 Gxyz\n", 0, 0,
		false, false},
};

static void
uidlist(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof uid_cases / sizeof *uid_cases; i++) {
		struct uid_case const *c = &uid_cases[i];
		char *s = exact(c->in, strlen(c->in));
		stralloc out = STRALLOC_ZERO;
		struct fsck_uidlist r;

		print_message("%s\n", c->name);
		assert_true(fsck_uidlist(s, strlen(c->in), c->guid, &r, &out));
		assert_int_equal(r.no_header, c->no_header);
		assert_int_equal(r.unended, c->unended);
		assert_int_equal(r.unreadable, c->unreadable);
		assert_int_equal(r.disorder, c->disorder);
		assert_int_equal(out.len, strlen(c->out));
		if (out.len > 0)
			assert_memory_equal(out.s, c->out, out.len);
		stralloc_free(&out);
		free(s);
	}
}

static void
lines(void **state)
{
	static struct {
		bool (*check)(char const *, size_t, size_t *, stralloc *);
		char const *in, *out;
		size_t bad;
	} const cases[] = {
		{fsck_keywords, "0 $Junk\n25 z\n", "0 $Junk\n25 z\n", 0},
		{fsck_keywords, "0 a\n26 b\n0 c\nd\n", "0 a\n", 3},
		{fsck_subscriptions, "INBOX\nA.b\n", "INBOX\nA.b\n", 0},
		{fsck_subscriptions, "V\t2\n\nA\tb\n", "V\t2\n\nA\tb\n", 0},
		{fsck_subscriptions, "..\na/b\nx\n", "x\n", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *s = exact(cases[i].in, strlen(cases[i].in));
		stralloc out = STRALLOC_ZERO;
		size_t bad;

		assert_true(cases[i].check(s, strlen(cases[i].in), &bad, &out));
		assert_int_equal(bad, cases[i].bad);
		assert_int_equal(out.len, strlen(cases[i].out));
		assert_memory_equal(out.s, cases[i].out, out.len);
		stralloc_free(&out);
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(uidlist), cmocka_unit_test(lines)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
