/* smtpd/judge.h, smtpd/policystore.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "smtpd/judge.h"

#define NOW 1800000000u

static struct policystore store, destinations;
static struct judge_rules rules;

static int
fresh(void **state)
{
	bool is_new;

	(void)state;
	rules = (struct judge_rules){.grey_delay = 300,
		.grey_window = 48 * 3600,
		.grey_lifetime = 36 * 24 * 3600,
		.guess_max_ms = 5000};
	return policystore_open(&store, -1, NOW, &is_new) && is_new &&
			       policystore_open(
				       &destinations, -1, NOW, &is_new) &&
			       is_new
		       ? 0
		       : -1;
}

static struct checking_bytes
bytes(char const *s)
{
	return (struct checking_bytes){s, strlen(s)};
}

static struct policing_answer
ask(enum policing_stage stage, char const *client, char const *sender,
	char const *recipient, char const *mailbox, uint32_t now)
{
	struct policing_question q = {.stage = stage,
		.client = bytes(client),
		.name = bytes(""),
		.helo = bytes(""),
		.mailbox = bytes(mailbox),
		.sender = bytes(sender),
		.recipient = bytes(recipient)};
	struct policing_answer a;

	judge(&store, &destinations, &rules, &q, bytes(mailbox), false, now,
		&a);
	return a;
}

static enum policing_action
rcpt(char const *client, char const *sender, uint32_t now)
{
	return ask(POLICING_RCPT, client, sender, "b@kereru.test", "", now)
		.action;
}

static void
off_by_default(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(
			rcpt("192.0.2.1", "a@b", NOW), POLICING_ACCEPT);
		assert_int_equal(
			ask(POLICING_MAIL, "192.0.2.1", "a@b", "", "", NOW)
				.action,
			POLICING_ACCEPT);
	}
}

static void
greylisted(void **state)
{
	struct policing_answer a;

	(void)state;
	rules.has_greylist = true;
	a = ask(POLICING_RCPT, "192.0.2.1", "a@b", "b@kereru.test", "", NOW);
	assert_int_equal(a.action, POLICING_LATER);
	assert_non_null(strstr(a.text, "300 seconds"));
	assert_int_equal(rcpt("192.0.2.1", "a@b", NOW + 299), POLICING_LATER);
	/* From a neighbour, spelt otherwise. */
	assert_int_equal(rcpt("192.0.2.77", "A@B", NOW + 300), POLICING_ACCEPT);
	assert_int_equal(rcpt("192.0.2.1", "a@b", NOW + 301), POLICING_ACCEPT);
	/* Another network, another sender. */
	assert_int_equal(rcpt("192.0.3.1", "a@b", NOW + 301), POLICING_LATER);
	assert_int_equal(rcpt("192.0.2.1", "c@b", NOW + 301), POLICING_LATER);
	/* Too late, or not for long. */
	assert_int_equal(
		rcpt("192.0.3.1", "a@b", NOW + 50 * 3600), POLICING_LATER);
	assert_int_equal(
		rcpt("192.0.2.1", "a@b", NOW + 40 * 24 * 3600), POLICING_LATER);
	/* IPv6: a /48. */
	assert_int_equal(rcpt("2001:db8:1:2::3", "a@b", NOW), POLICING_LATER);
	assert_int_equal(
		rcpt("2001:db8:1:9::9", "a@b", NOW + 400), POLICING_ACCEPT);
	/* Lists number their senders. */
	assert_int_equal(rcpt("192.0.4.1", "l-123-x@b", NOW), POLICING_LATER);
	assert_int_equal(
		rcpt("192.0.4.1", "l-45-x@b", NOW + 400), POLICING_ACCEPT);
	/* Users never. */
	assert_int_equal(ask(POLICING_RCPT, "192.0.9.1", "a@b", "c@d",
				 "a@kereru.test", NOW)
				 .action,
		POLICING_ACCEPT);
}

static void
known_networks_are_not(void **state)
{
	char sender[32];

	(void)state;
	rules.has_greylist = true;
	for (unsigned i = 0; i < JUDGE_KNOWN; i++) {
		snprintf(sender, sizeof sender, "%c@b", (char)('a' + (int)i));
		assert_int_equal(
			rcpt("192.0.2.1", sender, NOW), POLICING_LATER);
	}
	for (unsigned i = 0; i < JUDGE_KNOWN; i++) {
		snprintf(sender, sizeof sender, "%c@b", (char)('a' + (int)i));
		assert_int_equal(
			rcpt("192.0.2.1", sender, NOW + 400), POLICING_ACCEPT);
	}
	assert_int_equal(
		rcpt("192.0.2.1", "new@b", NOW + 401), POLICING_ACCEPT);
}

static void
rates(void **state)
{
	(void)state;
	rules.network_messages = 2;
	rules.network_recipients = 3;
	rules.user_messages = 1;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			ask(POLICING_MAIL, "192.0.2.1", "a@b", "", "", NOW)
				.action,
			POLICING_ACCEPT);
		(void)ask(POLICING_END, "192.0.2.1", "a@b", "", "", NOW);
	}
	assert_int_equal(
		ask(POLICING_MAIL, "192.0.2.9", "a@b", "", "", NOW).action,
		POLICING_LATER);
	assert_int_equal(
		ask(POLICING_MAIL, "192.0.3.9", "a@b", "", "", NOW).action,
		POLICING_ACCEPT);
	assert_int_equal(
		ask(POLICING_MAIL, "192.0.2.9", "a@b", "", "", NOW + 3600)
			.action,
		POLICING_ACCEPT);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			rcpt("192.0.2.1", "a@b", NOW), POLICING_ACCEPT);
	assert_int_equal(rcpt("192.0.2.1", "a@b", NOW), POLICING_LATER);
	/* A user has limits of their own, wherever they are. */
	assert_int_equal(
		ask(POLICING_MAIL, "192.0.2.1", "a@b", "", "u@k", NOW).action,
		POLICING_ACCEPT);
	(void)ask(POLICING_END, "192.0.2.1", "a@b", "", "u@k", NOW);
	assert_int_equal(
		ask(POLICING_MAIL, "198.51.100.1", "a@b", "", "U@K", NOW)
			.action,
		POLICING_LATER);
}

static void
guesses(void **state)
{
	uint32_t last = 0;

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		struct policing_answer a = ask(POLICING_UNKNOWN, "192.0.2.1",
			"a@b", "x@kereru.test", "", NOW);
		assert_int_equal(a.action, POLICING_ACCEPT);
		assert_true(a.delay_ms >= last);
		if (i < JUDGE_GUESSES_FREE)
			assert_int_equal(a.delay_ms, 0);
		last = a.delay_ms;
	}
	assert_int_equal(last, 5000);
	assert_int_equal(
		ask(POLICING_LOGIN, "203.0.113.1", "", "", "", NOW).delay_ms,
		0);
	/* It is forgotten by halves. */
	assert_int_equal(ask(POLICING_UNKNOWN, "192.0.2.1", "", "", "",
				 NOW + 10 * JUDGE_GUESSES_HALF)
				 .delay_ms,
		0);
}

static void
kept_over_a_restart(void **state)
{
	int fd = memfd_create("store", MFD_CLOEXEC);
	bool is_new;

	(void)state;
	rules.has_greylist = true;
	assert_true(policystore_open(&store, fd, NOW, &is_new));
	assert_true(is_new);
	assert_int_equal(rcpt("192.0.2.1", "a@b", NOW), POLICING_LATER);
	assert_true(policystore_save(&store));
	assert_true(policystore_open(&store, fd, NOW + 400, &is_new));
	assert_false(is_new);
	assert_int_equal(rcpt("192.0.2.1", "a@b", NOW + 400), POLICING_ACCEPT);
	close(fd);
}

static void
damage_is_survived(void **state)
{
	int fd = memfd_create("store", MFD_CLOEXEC);
	unsigned char noise[65536];
	bool is_new;

	(void)state;
	rules.has_greylist = true;
	assert_true(policystore_open(&store, fd, NOW, &is_new));
	assert_true(policystore_save(&store));
	/* Noise in the slots: they are forgotten. */
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (unsigned char)(i * 7919 >> 3);
	for (off_t at = POLICYSTORE_PAGE; at < 1000000;
		at += (off_t)sizeof noise)
		assert_int_equal(
			pwrite(fd, noise, sizeof noise, at), sizeof noise);
	assert_true(policystore_open(&store, fd, NOW, &is_new));
	assert_false(is_new);
	assert_int_equal(rcpt("192.0.2.1", "a@b", NOW), POLICING_LATER);
	/* Cut, or another file: it begins anew. */
	assert_int_equal(ftruncate(fd, 5000), 0);
	assert_true(policystore_open(&store, fd, NOW, &is_new));
	assert_true(is_new);
	assert_true(policystore_save(&store));
	assert_int_equal(pwrite(fd, noise, 100, 0), 100);
	assert_true(policystore_open(&store, fd, NOW, &is_new));
	assert_true(is_new);
	close(fd);
}

static void
slots_are_bounded(void **state)
{
	char client[32];
	size_t used = 0;

	(void)state;
	rules.has_greylist = true;
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(client, sizeof client, "%u.%u.%u.1", 1 + (i >> 16),
			i >> 8 & 255, i & 255);
		assert_int_equal(
			rcpt(client, "a@b", NOW + i / 1000), POLICING_LATER);
	}
	for (size_t i = 0; i < POLICYSTORE_SLOTS; i++)
		used += store.slots[i].key != 0;
	assert_true(used > POLICYSTORE_SLOTS / 2);
	/* The last are still there. */
	assert_int_equal(rcpt(client, "a@b", NOW + 600), POLICING_ACCEPT);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test_setup(off_by_default, fresh),
		cmocka_unit_test_setup(greylisted, fresh),
		cmocka_unit_test_setup(known_networks_are_not, fresh),
		cmocka_unit_test_setup(rates, fresh),
		cmocka_unit_test_setup(guesses, fresh),
		cmocka_unit_test_setup(kept_over_a_restart, fresh),
		cmocka_unit_test_setup(damage_is_survived, fresh),
		cmocka_unit_test_setup(slots_are_bounded, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
