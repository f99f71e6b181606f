/* sender.h and fairlist.h: who a message is from, and whose turn it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "queue/fairlist.h"
#include "queue/sender.h"

static struct owner_accounts const accounts = {.smtpd = 1,
	.relay = 2,
	.queue = 3,
	.mailbox_min = 1000,
	.mailbox_max = 2000};

static uint32_t
number(uid_t owner, char const *sender)
{
	struct queued m = {.owner = owner,
		.q = {.sender = sender, .sender_len = strlen(sender)}};

	return sender_number(&accounts, &m);
}

static void
a_mailbox_is_one_sender(void **state)
{
	struct queued own = {.owner = 3,
		.q = {.sender = "", .has_dropper = true, .dropper = 1001}};

	(void)state;
	assert_int_equal(number(1001, "a@b.test"), number(1001, "c@d.test"));
	assert_int_not_equal(
		number(1001, "a@b.test"), number(1002, "a@b.test"));
	assert_int_not_equal(number(1001, "a@b.test"), number(2, "a@b.test"));
	/* The manager's own copy of what it dropped. */
	assert_int_equal(sender_number(&accounts, &own), number(1001, "x@y.z"));
}

static void
others_are_told_apart_by_their_addresses(void **state)
{
	static char const *const pairs[][2] = {{"a@b.test", "A@B.Test"},
		{"list+x=y.test@b.test", "list+z=y.test@b.test"},
		{"list=x@b.test", "list@b.test"}, {"", ""}};
	static char const *const apart[][2] = {{"a@b.test", "a@c.test"},
		{"a@b.test", "c@b.test"}, {"", "a@b.test"}, {"+a", "+a@b"}};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_int_equal(
			number(1, pairs[i][0]), number(2, pairs[i][1]));
	for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
		assert_int_not_equal(
			number(1, apart[i][0]), number(1, apart[i][1]));
}

static void
lines_take_turns(void **state)
{
	struct fairlist l = FAIRLIST_ZERO;
	char id[ID_LEN + 1], many[] = "0000000000000000";
	size_t at = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		many[15] = (char)('0' + i % 10);
		assert_true(fairlist_add(&l, 5, many));
	}
	assert_true(fairlist_add(&l, 7, "1111111111111111"));
	assert_true(fairlist_add(&l, 7, "2222222222222222"));
	assert_int_equal(l.count, 1002);
	for (char last = '0'; fairlist_take(&l, id); at++) {
		if (*id == '1')
			assert_true(at < 2);
		if (*id == '2')
			assert_true(at < 4);
		if (*id != '0')
			continue;
		/* Of one sender, first in, first out. */
		assert_int_equal(id[15], last);
		last = last == '9' ? '0' : (char)(last + 1);
	}
	assert_int_equal(at, 1002);
	assert_int_equal(l.count, 0);
	assert_false(fairlist_take(&l, id));
	fairlist_free(&l);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(a_mailbox_is_one_sender),
		cmocka_unit_test(others_are_told_apart_by_their_addresses),
		cmocka_unit_test(lines_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
