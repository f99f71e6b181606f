/* smtpd/outbound.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "smtpd/judge.h"

#define NOW 1800000000u
#define ALICE "alice@kereru.test"

static struct policystore store, destinations;
static struct judge_rules rules;

static int
fresh(void **state)
{
	bool is_new;

	(void)state;
	rules = (struct judge_rules){.outbound = {.is_on = true,
					     .messages = 3,
					     .recipients = 5,
					     .unknown = 4,
					     .new_addresses = 3,
					     .networks = 2,
					     .except = "news@kereru.test"}};
	return policystore_open(&store, -1, NOW, &is_new) &&
			       policystore_open(&destinations, -1, NOW, &is_new)
		       ? 0
		       : -1;
}

static struct checking_bytes
bytes(char const *s)
{
	return (struct checking_bytes){s, strlen(s)};
}

static struct policing_answer
ask(enum policing_stage stage, char const *client, char const *to,
	char const *mailbox, uint32_t now)
{
	struct policing_question q = {.stage = stage,
		.client = bytes(client),
		.name = bytes(""),
		.helo = bytes(""),
		.mailbox = bytes(mailbox),
		.sender = bytes(mailbox),
		.recipient = bytes(to)};
	struct policing_answer a;
	char frame[1024];

	judge(&store, &destinations, &rules, &q, bytes(mailbox), false, now,
		&a);
	assert_true(policing_answer_encode(frame, sizeof frame, &a) > 0);
	return a;
}

static struct policing_answer
message(char const *mailbox, uint32_t now)
{
	struct policing_answer a =
		ask(POLICING_MAIL, "192.0.2.1", "", mailbox, now);

	if (a.action == POLICING_ACCEPT)
		(void)ask(POLICING_END, "192.0.2.1", "", mailbox, now);
	return a;
}

static void
too_many_messages_are_held_then_put_off(void **state)
{
	struct policing_answer a;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_false(message(ALICE, NOW + (uint32_t)i).is_held);
	a = message(ALICE, NOW + 10);
	assert_true(a.is_held);
	assert_int_equal(a.alarm, 'm');
	/* Said once a day; the case of the name does not matter. */
	for (int i = 0; i < 11; i++) {
		a = message("Alice@kereru.test", NOW + 20);
		assert_int_equal(a.action, POLICING_ACCEPT);
		assert_true(a.is_held && a.alarm == '\0');
	}
	a = message(ALICE, NOW + 30);
	assert_int_equal(a.action, POLICING_LATER);
	assert_false(a.is_held);
	/* Others are nobody's business, and the hour ends. */
	assert_false(message("bob@kereru.test", NOW + 30).is_held);
	assert_false(message(ALICE, NOW + 3700).is_held);
	for (int i = 0; i < 20; i++)
		assert_false(message("news@kereru.test", NOW).is_held);
}

static struct policing_answer
rcpt(char const *to, uint32_t now)
{
	return ask(POLICING_RCPT, "192.0.2.1", to, ALICE, now);
}

static void
new_addresses_count_once_and_colleagues_never(void **state)
{
	struct policing_answer a;

	(void)state;
	rules.outbound.recipients = 0;
	for (int i = 0; i < 20; i++)
		assert_false(rcpt("Friend@Elsewhere.test", NOW).is_held);
	assert_false(rcpt("two@elsewhere.test", NOW).is_held);
	assert_false(rcpt("three@elsewhere.test", NOW).is_held);
	assert_false(rcpt("bob@KERERU.test", NOW).is_held);
	a = rcpt("four@elsewhere.test", NOW);
	assert_true(a.is_held && a.alarm == 'd');
	assert_false(rcpt("friend@elsewhere.test", NOW).is_held);
	/* Known ones stay known; there are new ones again on another day. */
	assert_false(rcpt("five@elsewhere.test", NOW + 86400).is_held);
	assert_false(rcpt("two@elsewhere.test", NOW + 86400).is_held);
}

static void
a_thiefs_list_is_not_remembered(void **state)
{
	char to[32];
	size_t known = 0;

	(void)state;
	rules.outbound.recipients = 0;
	for (int i = 0; i < 1000; i++) {
		snprintf(to, sizeof to, "%d@elsewhere.test", i);
		assert_int_equal(rcpt(to, NOW).is_held, i >= 3);
	}
	for (size_t i = 0; i < POLICYSTORE_SLOTS; i++)
		known += destinations.slots[i].key != 0;
	assert_int_equal(known, 6);
}

static void
too_many_recipients(void **state)
{
	struct policing_answer a;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_false(rcpt("a@elsewhere.test", NOW).is_held);
	a = rcpt("a@elsewhere.test", NOW);
	assert_true(a.is_held && a.alarm == 'r');
	assert_false(rcpt("a@elsewhere.test", NOW + 3600).is_held);
}

static void
unknown_recipients(void **state)
{
	struct policing_answer a;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			ask(POLICING_UNKNOWN, "192.0.2.1", "x@y", ALICE, NOW)
				.alarm,
			'\0');
	assert_false(message(ALICE, NOW).is_held);
	a = ask(POLICING_UNKNOWN, "192.0.2.1", "x@y", ALICE, NOW);
	assert_int_equal(a.alarm, 'x');
	assert_true(message(ALICE, NOW).is_held);
	assert_false(message(ALICE, NOW + 3600).is_held);
}

static char
alarm_from(char const *client, uint32_t now)
{
	struct policing_answer a = ask(POLICING_MAIL, client, "", ALICE, now);

	assert_false(a.is_held);
	return a.alarm;
}

static void
many_networks(void **state)
{
	(void)state;
	assert_int_equal(alarm_from("192.0.2.1", NOW), '\0');
	assert_int_equal(alarm_from("192.0.2.200", NOW), '\0');
	assert_int_equal(alarm_from("198.51.100.1", NOW + 1), '\0');
	assert_int_equal(alarm_from("2001:db8:1:2::3", NOW + 2), 'n');
	assert_int_equal(alarm_from("203.0.113.5", NOW + 3), '\0');
	assert_int_equal(alarm_from("192.0.2.1", NOW + 86400), '\0');
}

static void
off_nothing_is_held(void **state)
{
	(void)state;
	rules.outbound.is_on = false;
	for (int i = 0; i < 50; i++)
		assert_false(message(ALICE, NOW).is_held);
	rules.outbound = (struct outbound_rules){.is_on = true};
	for (int i = 0; i < 50; i++) {
		assert_false(message(ALICE, NOW).is_held);
		assert_false(rcpt("a@elsewhere.test", NOW).is_held);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test_setup(
			too_many_messages_are_held_then_put_off, fresh),
		cmocka_unit_test_setup(
			new_addresses_count_once_and_colleagues_never, fresh),
		cmocka_unit_test_setup(a_thiefs_list_is_not_remembered, fresh),
		cmocka_unit_test_setup(too_many_recipients, fresh),
		cmocka_unit_test_setup(unknown_recipients, fresh),
		cmocka_unit_test_setup(many_networks, fresh),
		cmocka_unit_test_setup(off_nothing_is_held, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
