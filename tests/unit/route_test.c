/* route.c and owner.c: where mail goes, and who may send it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <skalibs/cdbmake.h>
#include "queue/owner.h"
#include "queue/route.h"

struct pair {
	char const *key, *value;
	size_t value_len;
};
#define PAIR(k, v)                                                             \
	{                                                                      \
		k, v, sizeof v - 1                                             \
	}

/* As senders that number their messages make them: more than 64 octets, which
 * smtpd takes. */
#define LONG_LOCAL                                                             \
	"srs0=0123456789012345678901234567890123456789=elsewhere.test="        \
	"some.user.with.a.name"

static struct pair const recipients[] = {
	PAIR("@a.test", "local"),
	PAIR("@backup.test", "backup"),
	PAIR("alice@a.test", "m 1001"),
	PAIR("bob@a.test", "m 1002"),
	PAIR("one@a.test", "a 1002"),
	PAIR("two@a.test", "a 1001 1002"),
	PAIR("deep@a.test", "a"),
	PAIR("self@a.test", "a"),
	PAIR("broken@a.test", "a"),
	PAIR("many@a.test", "a"),
	PAIR("odd@a.test", "?"),
	PAIR("postmaster@mx.a.test", "a 1001"),
	PAIR("@mx.a.test", "local"),
	PAIR("\"x@y\"@a.test", "m 1003"),
	PAIR("@c.test", "local"),
	PAIR("carol@c.test", "m 1004"),
	PAIR("list-bounces@c.test", "m 1005 list"),
	PAIR("info@c.test", "a 1002"),
	PAIR("*@c.test", "a 1004"),
	PAIR("gone@c.test", "m 1006 refused"),
	PAIR("was@c.test", "a 1006 refused"),
	PAIR("both@c.test", "a 1006 1004"),
	PAIR("@d.test", "local"),
	PAIR("*@d.test", "a"),
	PAIR("@e.test", "local"),
	PAIR("*@e.test", "a"),
};
static struct pair const aliases[] = {
	PAIR("one@a.test", "Bob@A.test\0"),
	PAIR("two@a.test", "alice@a.test\0bob@a.test\0ALICE@a.test\0"),
	PAIR("deep@a.test", "two@a.test\0one@a.test\0x@else.test\0"),
	PAIR("self@a.test", "self@a.test\0"),
	PAIR("postmaster@mx.a.test", "alice@a.test"),
	PAIR("info@c.test", "bob@a.test\0"),
	PAIR("*@c.test", "carol@c.test\0"),
	PAIR("was@c.test", "gone@c.test\0"),
	PAIR("both@c.test", "gone@c.test\0carol@c.test\0"),
	PAIR("*@d.test", "x@d.test\0*@e.test\0z@else.test\0"),
	PAIR("*@e.test", "y@e.test\0*@d.test\0"),
};
static struct pair const routes[] = {
	PAIR("smart.test", "relay.test:2525"),
	PAIR("backup.test", "[192.0.2.1]:25"),
};

static struct route_tables tables = {
	.recipients = TABLE_ZERO, .aliases = TABLE_ZERO, .routes = TABLE_ZERO};

static bool
fill(struct table *t, struct pair const *pairs, size_t count, char const *big)
{
	char path[] = "/tmp/route_test.XXXXXX";
	int fd = mkstemp(path);
	cdbmaker maker = CDBMAKER_ZERO;
	bool ok = fd >= 0 && cdbmake_start(&maker, fd);

	unlink(path);
	for (size_t i = 0; ok && i < count; i++)
		ok = cdbmake_add(&maker, pairs[i].key,
			(uint32_t)strlen(pairs[i].key), pairs[i].value,
			(uint32_t)pairs[i].value_len);
	if (ok && big != NULL)
		ok = cdbmake_add(&maker, "many@a.test", 11, big, 1200 * 12);
	ok = ok && cdbmake_finish(&maker) && table_open_fd(t, fd);
	close(fd);
	return ok;
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int
setup(void **state)
{
	static char big[1200 * 12];

	(void)state;
	for (int i = 0; i < 1200; i++)
		snprintf(big + 12 * i, 13, "u%04d@e.org", i % 10000);
	tables.hostname = "mx.a.test";
	return fill(&tables.recipients, recipients, COUNT(recipients), NULL) &&
			       fill(&tables.aliases, aliases, COUNT(aliases),
				       big) &&
			       fill(&tables.routes, routes, COUNT(routes), NULL)
		       ? 0
		       : -1;
}

static int
teardown(void **state)
{
	(void)state;
	table_close(&tables.recipients);
	table_close(&tables.aliases);
	table_close(&tables.routes);
	return 0;
}

static void
finds_the_way(void **state)
{
	static struct {
		char const *address;
		enum route_kind kind;
		char const *name;
	} const cases[] = {
		{"Alice@A.Test", ROUTE_LOCAL, "alice@a.test"},
		{"nobody@a.test", ROUTE_UNKNOWN, NULL},
		{"Alice+Detail@A.Test", ROUTE_LOCAL, "alice@a.test"},
		{"alice+a+b@a.test", ROUTE_LOCAL, "alice@a.test"},
		{"one+x@a.test", ROUTE_LOCAL, "bob@a.test"},
		{"two+x@a.test", ROUTE_EXPAND, "two@a.test"},
		{"nobody+x@a.test", ROUTE_UNKNOWN, NULL},
		{"+x@a.test", ROUTE_UNKNOWN, NULL},
		{"one@a.test", ROUTE_LOCAL, "bob@a.test"},
		{"two@a.test", ROUTE_EXPAND, "two@a.test"},
		{"deep@a.test", ROUTE_EXPAND, "deep@a.test"},
		{"many@a.test", ROUTE_EXPAND, "many@a.test"},
		{"self@a.test", ROUTE_LOOP, NULL},
		{"broken@a.test", ROUTE_LATER, NULL},
		{"odd@a.test", ROUTE_LATER, NULL},
		{"PostMaster", ROUTE_LOCAL, "alice@a.test"},
		{"\"x@y\"@a.test", ROUTE_LOCAL, "\"x@y\"@a.test"},
		{"x@else.test", ROUTE_REMOTE, "else.test"},
		{"x@sub.a.test", ROUTE_REMOTE, "sub.a.test"},
		{"x@SMART.test", ROUTE_REMOTE, "relay.test:2525"},
		{"x@backup.test", ROUTE_REMOTE, "[192.0.2.1]:25"},
		{LONG_LOCAL "@else.test", ROUTE_REMOTE, "else.test"},
		{"x@[192.0.2.7]", ROUTE_REMOTE, "[192.0.2.7]"},
		{"x%else.test@a.test", ROUTE_UNKNOWN, NULL},
		{"nonsense", ROUTE_INVALID, NULL},
		{"a b@else.test", ROUTE_INVALID, NULL},
		{"", ROUTE_INVALID, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct route r;
		route_find(&tables, cases[i].address, strlen(cases[i].address),
			&r);
		if (r.kind != cases[i].kind)
			fail_msg("%s: %d", cases[i].address, (int)r.kind);
		if (cases[i].name != NULL)
			assert_string_equal(r.name, cases[i].name);
		assert_false(r.is_caught);
	}
}

static bool
join(void *data, char const *s, size_t len)
{
	strncat(data, s, len);
	strcat(data, " ");
	return true;
}

/* Last of all, and not what is the manager's own. */
static void
a_catch_all_comes_last(void **state)
{
	static struct {
		char const *address;
		enum route_kind kind;
		char const *name;
		bool is_caught;
	} const cases[] = {
		{"Any.Body@C.Test", ROUTE_LOCAL, "carol@c.test", true},
		{"x+y@c.test", ROUTE_LOCAL, "carol@c.test", true},
		{"\"a@b c\"@c.test", ROUTE_LOCAL, "carol@c.test", true},
		{"*@c.test", ROUTE_LOCAL, "carol@c.test", true},
		{"carol@c.test", ROUTE_LOCAL, "carol@c.test", false},
		{"carol+x@c.test", ROUTE_LOCAL, "carol@c.test", false},
		{"gone@c.test", ROUTE_REFUSED, NULL, false},
		{"gone+x@c.test", ROUTE_REFUSED, NULL, false},
		{"was@c.test", ROUTE_REFUSED, NULL, false},
		{"both@c.test", ROUTE_LOCAL, "carol@c.test", false},
		{"info@c.test", ROUTE_LOCAL, "bob@a.test", false},
		{"info+x@c.test", ROUTE_LOCAL, "bob@a.test", false},
		{"list-bounces+j=e.org@c.test", ROUTE_LOCAL,
			"list-bounces@c.test", false},
		{"SRS0=abcd=XY=else.test=bob@c.test", ROUTE_UNKNOWN, NULL,
			false},
		{"srs1=abcd=else.test==efgh=XY=b.test=bob@c.test",
			ROUTE_UNKNOWN, NULL, false},
		{"x@d.test", ROUTE_EXPAND, "*@d.test", true},
		{"x@sub.c.test", ROUTE_REMOTE, "sub.c.test", false},
	};
	char text[200] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct route r;
		route_find(&tables, cases[i].address, strlen(cases[i].address),
			&r);
		if (r.kind != cases[i].kind ||
			r.is_caught != cases[i].is_caught)
			fail_msg("%s: %d", cases[i].address, (int)r.kind);
		if (cases[i].name != NULL)
			assert_string_equal(r.name, cases[i].name);
	}
	/* Two that lead to each other, and to themselves. */
	assert_int_equal(route_expand(&tables, "q@d.test", 8, join, text), 1);
	assert_string_equal(text, "z@else.test ");
	assert_int_equal(route_owns(&tables, "any@c.test", 10, 1004), 1);
	assert_int_equal(route_owns(&tables, "info@c.test", 11, 1004), 0);
	assert_int_equal(route_owns(&tables, "carol@c.test", 12, 1002), 0);
}

static bool
count(void *data, char const *s, size_t len)
{
	(void)s;
	(void)len;
	++*(size_t *)data;
	return true;
}

static void
expands_each_once(void **state)
{
	char text[200] = "";
	size_t n = 0;

	(void)state;
	assert_int_equal(
		route_expand(&tables, "deep@a.test", 11, join, text), 1);
	assert_string_equal(text, "alice@a.test bob@a.test x@else.test ");
	assert_int_equal(
		route_expand(&tables, "many@a.test", 11, count, &n), 0);
	assert_int_equal(n, ROUTE_TARGETS_MAX);
	assert_int_equal(
		route_expand(&tables, "self@a.test", 11, join, text), 1);
	assert_int_equal(
		route_expand(&tables, "broken@a.test", 13, join, text), -1);
}

static struct owner_accounts const accounts = {.smtpd = 11,
	.relay = 12,
	.queue = 13,
	.others = {14, 15},
	.other_count = 2,
	.mailbox_min = 1000,
	.mailbox_max = 1999};

static void
owners_decide(void **state)
{
	static struct {
		uid_t owner;
		char const *sender, *to;
		unsigned flags;
		enum queuefile_state to_state;
		enum owner_verdict want;
	} const cases[] = {
#define TODO QUEUEFILE_TODO
		{11, "x@y.test", "alice@a.test", 0, TODO, OWNER_MAY},
		{11, "x@y.test", "nobody@a.test", 0, TODO, OWNER_MAY},
		{11, "x@y.test", "x@backup.test", 0, TODO, OWNER_MAY},
		{11, "x@y.test", LONG_LOCAL "@backup.test", 0, TODO, OWNER_MAY},
		{11, "x@y.test", "postmaster", 0, TODO, OWNER_MAY},
		{11, "alice@a.test", "x@else.test", 0, TODO, OWNER_MAY_NOT},
		{11, "x@y.test", "x@a.test@else.test", 0, TODO, OWNER_MAY_NOT},
		{11, "x@y.test", "x@[192.0.2.1]", 0, TODO, OWNER_MAY_NOT},
		{11, "x@y.test", "alice@a.test", QUEUEFILE_EXPANDED, TODO,
			OWNER_MAY_NOT},
		{12, "x@y.test", "x@else.test", 0, TODO, OWNER_MAY},
		{12, "x@y.test", "x@else.test", QUEUEFILE_OWN, TODO,
			OWNER_MAY_NOT},
		{12, "x@y.test", "x@else.test", 0, QUEUEFILE_FAILED,
			OWNER_MAY_NOT},
		{13, "", "x@else.test", QUEUEFILE_OWN, QUEUEFILE_DONE,
			OWNER_MAY},
		{14, "", "alice@a.test", 0, TODO, OWNER_MAY_NOT},
		{15, "", "alice@a.test", 0, TODO, OWNER_MAY_NOT},
		{0, "x@y.test", "x@else.test", 0, TODO, OWNER_MAY},
		{999, "x@y.test", "x@else.test", 0, TODO, OWNER_MAY},
		{1001, "Alice@a.test", "x@else.test", 0, TODO, OWNER_MAY},
		{1001, "", "x@else.test", 0, TODO, OWNER_MAY},
		{1001, "alice+x@a.test", "x@else.test", 0, TODO, OWNER_MAY},
		{1001, "bob+x@a.test", "x@else.test", 0, TODO, OWNER_MAY_NOT},
		{1001, "two@a.test", "x@else.test", 0, TODO, OWNER_MAY},
		{1001, "one@a.test", "x@else.test", 0, TODO, OWNER_MAY_NOT},
		{1001, "bob@a.test", "x@else.test", 0, TODO, OWNER_MAY_NOT},
		{100, "", "alice@a.test", 0, TODO, OWNER_MAY},
		{1999, "alice@a.test", "bob@a.test", 0, TODO, OWNER_MAY_NOT},
		{1001, "nonsense", "bob@a.test", 0, TODO, OWNER_MAY_NOT},
		{1001, "@a.test", "bob@a.test", 0, TODO, OWNER_MAY_NOT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct queuefile_recipient to = {.address = cases[i].to,
			.address_len = strlen(cases[i].to),
			.state = cases[i].to_state};
		struct queuefile q = {.sender = cases[i].sender,
			.sender_len = strlen(cases[i].sender),
			.flags = cases[i].flags,
			.recipients = &to,
			.recipient_count = 1};
		char const *why = NULL;
		enum owner_verdict got = owner_judge(
			&accounts, &tables, cases[i].owner, &q, &why);
		if (got != cases[i].want)
			fail_msg("%zu: %d", i, (int)got);
		if (got == OWNER_MAY_NOT)
			assert_non_null(why);
	}
}

static void
a_missing_table_puts_off(void **state)
{
	struct route_tables none = {.recipients = TABLE_ZERO,
		.aliases = TABLE_ZERO,
		.routes = TABLE_ZERO,
		.hostname = "h"};
	struct queuefile_recipient to = {
		.address = "a@b.test", .address_len = 8};
	struct queuefile q = {.sender = "a@b.test",
		.sender_len = 8,
		.recipients = &to,
		.recipient_count = 1};
	char const *why;
	struct route r;

	(void)state;
	to.state = QUEUEFILE_TODO;
	route_find(&none, "a@b.test", 8, &r);
	assert_int_equal(r.kind, ROUTE_LATER);
	assert_int_equal(
		owner_judge(&accounts, &none, 11, &q, &why), OWNER_LATER);
	assert_int_equal(
		owner_judge(&accounts, &none, 1001, &q, &why), OWNER_LATER);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(finds_the_way),
		cmocka_unit_test(a_catch_all_comes_last),
		cmocka_unit_test(expands_each_once),
		cmocka_unit_test(owners_decide),
		cmocka_unit_test(a_missing_table_puts_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
