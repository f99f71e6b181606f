/* queuefile.c: what is written is read back; nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/queuefile.h"

#define ID "0k3v9a2mj4xz7bqr"
#define ZERO "00000000000000000000"
#define HEAD(size, message, added, rest)                                       \
	"kereru-queue 1\nid " ID "\nsize " size "\nmessage " message           \
	"\nadded " added "\narrived " ZERO "\nnext " ZERO "\nexpires " ZERO    \
	"\nattempts " ZERO "\nflags\norigin x\n" rest
#define N(n) "000000000000000" #n
#define GOOD_REST "from <a@b>\nto - <c@d>\n\n"
#define GOOD HEAD(N(99999), N(00500) " " N(00010), N(00510) " " ZERO, GOOD_REST)

static struct queuefile_recipient all[QUEUEFILE_VERP_MAX];

/* Parses an exact-size copy. */
static int
parse(char const *s, size_t len, size_t max, struct queuefile *q)
{
	char *copy = malloc(len);
	int r;

	assert_true(copy != NULL || len == 0);
	memcpy(copy, s, len);
	r = queuefile_parse(copy, len, all, max, q);
	free(copy);
	return r;
}

static void
round_trip(void **state)
{
	struct queuefile_recipient to[] = {
		{.address = "c@d", .address_len = 3, .state = QUEUEFILE_TODO},
		{.address = "\"a b>\"@d",
			.address_len = 8,
			.state = QUEUEFILE_DONE,
			.why = "fine \x01\xff",
			.why_len = 7},
		{.address = "x@y", .address_len = 3, .state = QUEUEFILE_FAILED},
	};
	struct queuefile q = {.id = ID,
		.file_size = 5000,
		.message_offset = 2000,
		.message_len = 2500,
		.added_offset = 4500,
		.added_len = 500,
		.arrived = UINT64_MAX,
		.next = 17,
		.expires = 18,
		.attempts = UINT32_MAX,
		.flags = QUEUEFILE_8BIT | QUEUEFILE_OWN,
		.origin = "smtp 192.0.2.1",
		.origin_len = 14,
		.sender = "",
		.recipients = to,
		.recipient_count = 3};
	struct queuefile p;
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	assert_true(queuefile_format(&sa, &q));
	assert_int_equal(queuefile_parse(sa.s, sa.len, all, 3, &p), 1);
	assert_string_equal(p.id, ID);
	assert_true(p.file_size == 5000 && p.message_offset == 2000 &&
		    p.message_len == 2500 && p.added_offset == 4500 &&
		    p.added_len == 500 && p.arrived == UINT64_MAX &&
		    p.next == 17 && p.expires == 18 &&
		    p.attempts == UINT32_MAX && p.flags == q.flags &&
		    p.sender_len == 0 && p.recipient_count == 3 &&
		    p.envelope_len == sa.len);
	assert_int_equal(sa.s[all[1].state_offset], QUEUEFILE_DONE);
	assert_int_equal(all[1].address_len, 8);
	assert_int_equal(all[1].why_len, 7);
	assert_memory_equal(sa.s + all[1].why_offset, "fine ??   ", 10);
	assert_memory_equal(sa.s + p.next_offset, N(00017), 20);
	/* Every shorter piece asks for more; a mark in place is read back. */
	for (size_t len = 0; len < sa.len; len++)
		assert_int_equal(parse(sa.s, len, 3, &p), 0);
	sa.s[all[0].state_offset] = QUEUEFILE_DONE;
	queuefile_digits(sa.s + p.next_offset, 1234567890123);
	assert_int_equal(queuefile_parse(sa.s, sa.len, all, 3, &p), 1);
	assert_int_equal(all[0].state, QUEUEFILE_DONE);
	assert_true(p.next == 1234567890123);
	/* No room for the third. */
	assert_int_equal(parse(sa.s, sa.len, 2, &p), -1);
	stralloc_free(&sa);
}

static void
wishes_are_kept(void **state)
{
	static char const text[] =
		"flags 8bit own binary requiretls junk command double\n"
		"marks h-\ndropper 00000000000000200001\npriority -3\nby "
		"00000000001790000000 RT\nret H\n"
		"envid QQ+2B314159\ncommand wake example.org\norigin \n"
		"from <a@b>\nto d <c@d>\nnotify success delay\n"
		"orcpt rfc822;c+2B@d\nwhy ";
	struct queuefile_recipient to[] = {
		{.address = "c@d",
			.address_len = 3,
			.state = QUEUEFILE_DELIVERED,
			.notify = QUEUEFILE_NOTIFY_SUCCESS |
				  QUEUEFILE_NOTIFY_DELAY,
			.orcpt = "rfc822;c+2B@d",
			.orcpt_len = 13},
		{.address = "e@f",
			.address_len = 3,
			.state = QUEUEFILE_TODO,
			.notify = QUEUEFILE_NOTIFY_NEVER},
	};
	struct queuefile q = {.id = ID,
		.file_size = 5000,
		.message_offset = 2000,
		.added_offset = 2000,
		.flags = 1 | 8 | 16 | 32 | 64 | 128 | 256,
		.held = true,
		.has_dropper = true,
		.dropper = 200001,
		.priority = -3,
		.deliver_by = 1790000000,
		.by_mode = 'R',
		.by_trace = true,
		.ret = 'H',
		.envid = "QQ+2B314159",
		.envid_len = 11,
		.command = "wake example.org",
		.command_len = 16,
		.origin = "",
		.sender = "a@b",
		.sender_len = 3,
		.recipients = to,
		.recipient_count = 2};
	struct queuefile p;
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	assert_true(queuefile_format(&sa, &q));
	assert_non_null(memmem(sa.s, sa.len, text, sizeof text - 1));
	assert_int_equal(queuefile_parse(sa.s, sa.len, all, 2, &p), 1);
	assert_true(p.flags == q.flags && p.held && !p.warned &&
		    p.has_dropper && p.dropper == 200001 && p.priority == -3 &&
		    p.deliver_by == 1790000000 && p.by_mode == 'R' &&
		    p.by_trace && p.ret == 'H' && p.envid_len == 11 &&
		    p.command_len == 16 && all[0].notify == to[0].notify &&
		    all[0].orcpt_len == 13 &&
		    all[0].state == QUEUEFILE_DELIVERED &&
		    all[1].notify == QUEUEFILE_NOTIFY_NEVER &&
		    all[1].orcpt == NULL);
	assert_memory_equal(all[0].orcpt, "rfc822;c+2B@d", 13);
	assert_memory_equal(sa.s + p.marks_offset, "h-", 2);
	for (size_t len = 0; len < sa.len; len++)
		assert_int_equal(parse(sa.s, len, 2, &p), 0);
	stralloc_free(&sa);
}

static void
wishes_that_cannot_be_are_not_written(void **state)
{
	static struct queuefile const bad[] = {
		{.id = ID, .priority = 10},
		{.id = ID, .deliver_by = 1, .by_mode = 'x'},
		{.id = ID, .ret = 'x'},
		{.id = ID, .envid = "", .envid_len = 0},
		{.id = ID, .envid = "a b", .envid_len = 3},
		{.id = ID, .command = "a\nb", .command_len = 3},
	};
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct queuefile q = bad[i];
		q.origin = q.sender = "";
		assert_false(queuefile_format(&sa, &q));
	}
	stralloc_free(&sa);
}

static void
what_an_envelope_cannot_hold_is_not_written(void **state)
{
	static char const *const bad[] = {"a\nb", "\x7f", ""};
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct queuefile_recipient to = {.address = bad[i],
			.address_len = strlen(bad[i]),
			.state = QUEUEFILE_TODO};
		struct queuefile q = {.id = ID,
			.origin = "",
			.sender = "",
			.recipients = &to,
			.recipient_count = 1};
		assert_false(queuefile_format(&sa, &q));
	}
	stralloc_free(&sa);
}

static void
forms(void **state)
{
	static struct {
		char const *name, *text;
		int want;
	} const cases[] = {
		{"good", GOOD, 1},
		{"octets behind the envelope", GOOD "\0\xff", 1},
		{"no recipients",
			HEAD(N(99999), N(00500) " " N(00010), N(00510) " " ZERO,
				"from <a@b>\n\n"),
			1},
		{"message in the envelope",
			HEAD(N(99999), N(00010) " " N(00010), N(00510) " " ZERO,
				GOOD_REST),
			-1},
		{"message past the end",
			HEAD(N(00505), N(00500) " " N(00010), N(00500) " " ZERO,
				GOOD_REST),
			-1},
		{"added past the end",
			HEAD(N(00510), N(00500) " " N(00010),
				N(00510) " " N(00001), GOOD_REST),
			-1},
		{"sum overflows",
			HEAD("18446744073709551615",
				"18446744073709551615 18446744073709551615",
				N(00510) " " ZERO, GOOD_REST),
			-1},
		{"number overflows",
			HEAD("18446744073709551616", N(00500) " " N(00010),
				N(00510) " " ZERO, GOOD_REST),
			-1},
		{"short number",
			HEAD("1", N(00500) " " N(00010), N(00510) " " ZERO,
				GOOD_REST),
			-1},
		{"sender without brackets",
			HEAD(N(99999), N(00500) " " N(00010), N(00510) " " ZERO,
				"from a@b\nto - <c@d>\n\n"),
			-1},
		{"null recipient",
			HEAD(N(99999), N(00500) " " N(00010), N(00510) " " ZERO,
				"from <a@b>\nto - <>\n\n"),
			-1},
		{"unknown state",
			HEAD(N(99999), N(00500) " " N(00010), N(00510) " " ZERO,
				"from <a@b>\nto y <c@d>\n\n"),
			-1},
		{"control in an address",
			HEAD(N(99999), N(00500) " " N(00010), N(00510) " " ZERO,
				"from <a\r@b>\nto - <c@d>\n\n"),
			-1},
#define WISH(text)                                                             \
	"kereru-queue 1\nid " ID                                               \
	"\nsize " N(99999) "\nmessage " N(00500) " " N(00010) "\nadded " N(    \
		00510) " " ZERO "\narrived " ZERO "\nnext " ZERO               \
		       "\nexpires " ZERO "\nattempts " ZERO "\nflags\n" text   \
		       "origin x\n" GOOD_REST
#define LIST(options, sender, text)                                            \
	"kereru-queue 1\nid " ID                                               \
	"\nsize " N(99999) "\nmessage " N(00500) " " N(00010) "\nadded " N(    \
		00510) " " ZERO "\narrived " ZERO "\nnext " ZERO               \
		       "\nexpires " ZERO "\nattempts " ZERO                    \
		       "\nflags verp\n" options "origin x\nfrom <" sender      \
		       ">\nto - <c@d>\n" text "\n"
#define TO(text)                                                               \
	HEAD(N(99999), N(00500) " " N(00010), N(00510) " " ZERO,               \
		"from <a@b>\nto - <c@d>\n" text "\n")
		{"priority", WISH("priority 9\n"), 1},
		{"a dropper that is no uid",
			WISH("dropper 00000000004294967296\n"), -1},
		{"priority 0", WISH("priority 0\n"), -1},
		{"priority out of range", WISH("priority 10\n"), -1},
		{"marks of a dropper", WISH("marks h-\n"), -1},
		{"by", WISH("by " N(00007) " N\n"), 1},
		{"by 0", WISH("by " ZERO " N\n"), -1},
		{"by without mode", WISH("by " N(00007) "\n"), -1},
		{"ret twice", WISH("ret F\nret H\n"), -1},
		{"wrong order", WISH("envid x\nret H\n"), -1},
		{"empty envid", WISH("envid \n"), -1},
		{"command", WISH("command wake all\n"), 1},
		{"notify", TO("notify failure\n"), 1},
		{"notify of nothing", TO("notify\n"), -1},
		{"never and more", TO("notify never failure\n"), -1},
		{"unknown notify", TO("notify often\n"), -1},
		{"orcpt", TO("orcpt rfc822;x\n"), 1},
		{"orcpt with a blank", TO("orcpt rfc822; x\n"), -1},
		{"verp",
			LIST("unsubscribe https://a/?\n", "s@a",
				"token a-_9\n"),
			1},
		{"verp without a URL", LIST("", "s@a", ""), 1},
		{"verp without a sender", LIST("", "", ""), -1},
		{"token without a URL", LIST("", "s@a", "token x\n"), -1},
		{"token that is none",
			LIST("unsubscribe https://a/?\n", "s@a", "token a=\n"),
			-1},
		{"empty token",
			LIST("unsubscribe https://a/?\n", "s@a", "token \n"),
			-1},
		{"URL in the clear",
			LIST("unsubscribe http://a/?\n", "s@a", ""), -1},
		{"URL that ends its brackets",
			LIST("unsubscribe https://a/>?\n", "s@a", ""), -1},
		{"URL with a blank",
			LIST("unsubscribe https://a/ ?\n", "s@a", ""), -1},
		{"URL without verp", WISH("unsubscribe https://a/?\n"), -1},
		{"CRLF", "kereru-queue 1\r\n", -1},
		{"another version", "kereru-queue 2\nid " ID "\n", -1},
		{"bad id", "kereru-queue 1\nid ../../etc/passwd\n", -1},
		{"nothing", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct queuefile q;
		int got = parse(cases[i].text, strlen(cases[i].text),
			QUEUEFILE_RECIPIENTS_MAX, &q);
		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].name, got);
	}
}

/* Octets of the envelope of so many recipients; 0: it can't be written. */
static size_t
write_many(stralloc *sa, unsigned flags, size_t count)
{
	static struct queuefile_recipient to[QUEUEFILE_VERP_MAX + 1];
	struct queuefile q = {.id = ID,
		.file_size = 100000000,
		.message_offset = 90000000,
		.added_offset = 90000000,
		.flags = flags,
		.origin = "",
		.sender = "l-bounces@a",
		.sender_len = 11,
		.recipients = to,
		.recipient_count = count};
	static char address[QUEUEFILE_ADDRESS_MAX], orcpt[QUEUEFILE_ORCPT_MAX],
		token[QUEUEFILE_TOKEN_MAX];

	memset(address, 'a', sizeof address);
	memset(orcpt, 'o', sizeof orcpt);
	memset(token, 't', sizeof token);
	for (size_t i = 0; i < count; i++)
		to[i] = (struct queuefile_recipient){.address = address,
			.address_len = sizeof address,
			.state = QUEUEFILE_TODO,
			.notify = QUEUEFILE_NOTIFY_SUCCESS |
				  QUEUEFILE_NOTIFY_FAILURE |
				  QUEUEFILE_NOTIFY_DELAY,
			.orcpt = orcpt,
			.orcpt_len = sizeof orcpt};
	if (flags & QUEUEFILE_VERP) {
		q.unsubscribe = "https://a/";
		q.unsubscribe_len = 10;
		for (size_t i = 0; i < count; i++) {
			to[i].token = token;
			to[i].token_len = sizeof token;
		}
	}
	sa->len = 0;
	return queuefile_format(sa, &q) ? sa->len : 0;
}

/* Whatever they carry with them. */
static void
as_many_recipients_as_there_may_be(void **state)
{
	static unsigned const own = QUEUEFILE_OWN | QUEUEFILE_VERP;
	stralloc sa = STRALLOC_ZERO;
	struct queuefile q;

	(void)state;
	assert_true(write_many(&sa, own, QUEUEFILE_VERP_MAX) > 0);
	assert_int_equal(
		queuefile_parse(sa.s, sa.len, all, QUEUEFILE_VERP_MAX, &q), 1);
	assert_int_equal(q.recipient_count, QUEUEFILE_VERP_MAX);
	assert_int_equal(q.envelope_len, sa.len);
	assert_int_equal(
		all[QUEUEFILE_VERP_MAX - 1].token_len, QUEUEFILE_TOKEN_MAX);
	assert_int_equal(
		queuefile_parse(sa.s, sa.len / 2, all, QUEUEFILE_VERP_MAX, &q),
		0);
	assert_true(write_many(&sa, own, QUEUEFILE_VERP_MAX + 1) == 0);
	/* Without the flag no more than people send to. */
	assert_true(write_many(&sa, QUEUEFILE_OWN,
			    QUEUEFILE_RECIPIENTS_MAX + 1) == 0);
	assert_true(write_many(&sa, QUEUEFILE_VERP,
			    QUEUEFILE_RECIPIENTS_MAX + 1) > 0);
	char *flag = memmem(sa.s, sa.len, "flags verp\n", 11);
	assert_non_null(flag);
	memcpy(flag, "flags utf8\n", 11);
	assert_int_equal(
		queuefile_parse(sa.s, sa.len, all, QUEUEFILE_VERP_MAX, &q), -1);
	stralloc_free(&sa);
}

static void
an_envelope_without_end_is_malformed(void **state)
{
	size_t len = QUEUEFILE_ENVELOPE_MAX + 10;
	char *s = malloc(len);
	struct queuefile q;

	(void)state;
	memset(s, 'x', len);
	assert_int_equal(queuefile_parse(s, len, all, 1, &q), -1);
	assert_int_equal(queuefile_parse(s, 1000, all, 1, &q), 0);
	free(s);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(wishes_are_kept),
		cmocka_unit_test(wishes_that_cannot_be_are_not_written),
		cmocka_unit_test(what_an_envelope_cannot_hold_is_not_written),
		cmocka_unit_test(forms),
		cmocka_unit_test(as_many_recipients_as_there_may_be),
		cmocka_unit_test(an_envelope_without_end_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
