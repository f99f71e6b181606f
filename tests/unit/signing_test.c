/* signing.h, with the test as the signer, which may be hostile; and the frames
 * between the two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <skalibs/cdbmake.h>
#include "common/log.h"
#include "common/pair.h"
#include "fake_loop.h"
#include "fake_message.h"
#include "queue/host.h"
#include "queue/signask.h"
#include "queue/signing.h"

#define MESSAGES 20
#define MAILBOX 200001

static struct queued *messages[MESSAGES];
static unsigned done;
static int signer;

static void
on_done(struct queued *m, size_t recipient, bool is_done)
{
	assert_true(recipient != SIGNING_ALL || m->is_signed == is_done);
	assert_int_equal(m->open, 0);
	done++;
}

/* A table in which there is a key, or with a setting. */
static void
fill(struct table *t, char const *key, char const *value)
{
	char path[] = "/tmp/signing_test.XXXXXX";
	int fd = mkstemp(path);
	cdbmaker maker = CDBMAKER_ZERO;

	unlink(path);
	assert_true(fd >= 0 && cdbmake_start(&maker, fd) &&
		    cdbmake_add(&maker, key, (unsigned)strlen(key), value,
			    (unsigned)strlen(value) + 1) &&
		    cdbmake_finish(&maker) && table_open_fd(t, fd));
	close(fd);
}

static int
setup(void **state)
{
	struct table settings = TABLE_ZERO;

	(void)state;
	log_open("test");
	host.accounts = (struct owner_accounts){.smtpd = 1,
		.relay = 2,
		.queue = 3,
		.mailbox_min = 200000,
		.mailbox_max = 299999};
	fill(&host.tables.recipients, "dkim", "1");
	fill(&settings, "send-unsigned", "0");
	signing_init(&settings, on_done);
	table_close(&settings);
	return 0;
}

static int
start(void **state)
{
	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		messages[i] = fake_message(1);
		messages[i]->owner = MAILBOX;
	}
	done = 0;
	signer = -1;
	return 0;
}

/* A signer that is gone is told to nobody: the next test has another. */
static int
end(void **state)
{
	(void)state;
	if (signer >= 0)
		close(signer);
	loop_wait(0);
	for (size_t i = 0; i < MESSAGES; i++)
		fake_message_free(messages[i]);
	return 0;
}

static void
new_signer(void)
{
	int ends[2];

	assert_true(pair_make(ends, false));
	if (signer >= 0)
		close(signer);
	signer = ends[1];
	signing_set_signer(ends[0]);
}

/* The next question; false: there is none. */
static bool
question(struct signask *ask_r)
{
	char frame[SIGNASK_MAX];
	struct pollfd p = {.fd = signer, .events = POLLIN};
	size_t count = 0;
	int fd;
	ssize_t n;

	if (poll(&p, 1, 0) <= 0)
		return false;
	n = pair_receive(signer, frame, sizeof frame, &fd, 1, &count);
	assert_true(n > 0 && count == 1);
	close(fd);
	assert_true(signask_decode(frame, (size_t)n, ask_r));
	return true;
}

static void
answer(uint32_t number, enum signask_outcome outcome, char const *lines)
{
	char frame[JOB_LINES_MAX + SIGNASK_MAX];
	struct signask_answer a = {.number = number,
		.outcome = outcome,
		.is_seven = true,
		.lines = lines,
		.lines_len = strlen(lines)};
	size_t len = signask_answer_encode(frame, sizeof frame, &a);

	assert_true(len > 0 && pair_send(signer, frame, len, NULL, 0));
	loop_wait(0);
}

static void
who_is_asked_for(void **state)
{
	struct queued *m = messages[0];
	struct {
		char const *name;
		uid_t owner;
		bool has_dropper;
		uint32_t dropper;
		unsigned flags;
		bool wants;
	} const cases[] = {
		{"a mailbox's", MAILBOX, false, 0, 0, true},
		{"a host that may relay", 2, false, 0, 0, true},
		{"a person's", 1000, false, 0, 0, true},
		{"what port 25 takes", 1, false, 0, 0, false},
		{"our copy of a mailbox's", 3, true, MAILBOX, 8, true},
		{"our copy of what port 25 took", 3, true, 1, 8, false},
		{"our copy that says nothing", 3, false, 0, 8, false},
		{"our report", 3, true, 3, 8, true},
		{"sent on", MAILBOX, false, 0, QUEUEFILE_FORWARDED, true},
		{"a dropper's claim", 1, true, MAILBOX, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		m->owner = cases[i].owner;
		m->q.has_dropper = cases[i].has_dropper;
		m->q.dropper = cases[i].dropper;
		m->q.flags = cases[i].flags;
		if (signing_wants(m) != cases[i].wants)
			fail_msg("%s", cases[i].name);
	}
	m->owner = MAILBOX;
}

static void
without_keys_nobody_is_asked(void **state)
{
	struct table keys = host.tables.recipients;

	(void)state;
	host.tables.recipients = (struct table)TABLE_ZERO;
	fill(&host.tables.recipients, "@own.test", "local");
	assert_false(signing_wants(messages[0]));
	table_close(&host.tables.recipients);
	host.tables.recipients = keys;
}

static void
answers_come_to_their_messages(void **state)
{
	struct signask ask;
	unsigned asked = 0;
	uint32_t first = 0;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++)
		assert_true(signing_ask(messages[i], SIGNING_ALL));
	new_signer();
	/* Some at a time, in order. */
	while (question(&ask))
		if (asked++ == 0)
			first = ask.number;
	assert_int_equal(asked, 16);
	assert_int_equal(ask.uid, MAILBOX);
	assert_int_equal(ask.wishes, SIGNASK_SIGN);
	assert_false(ask.is_free);
	assert_int_equal(ask.fields_len + ask.list_len, 0);
	assert_string_equal(ask.id, FAKE_ID);
	for (uint32_t i = 0; i < MESSAGES; i++)
		answer(first + i, i == 1 ? SIGNASK_LATER : SIGNASK_DONE,
			i == 2 ? "" : "A: b\r\n");
	assert_int_equal(done, MESSAGES);
	assert_true(messages[0]->is_signed && messages[0]->lines->is_seven);
	assert_int_equal(messages[0]->lines->len, 6);
	assert_memory_equal(messages[0]->lines->s, "A: b\r\n", 6);
	assert_false(messages[1]->is_signed);
	assert_true(messages[2]->is_signed && messages[2]->lines == NULL);
}

/* A copy of a list's message has fields of its own, and lines. */
static void
a_copy_is_asked_for_by_itself(void **state)
{
	struct queued *m = messages[0];
	struct queuefile_recipient *to = &m->q.recipients[0];
	struct signask ask;
	char fields[VERP_FIELDS_MAX], sender[QUEUEFILE_ADDRESS_MAX + 1];
	size_t len;

	(void)state;
	m->q.flags |= QUEUEFILE_VERP;
	m->q.unsubscribe = "https://a/";
	m->q.unsubscribe_len = 10;
	assert_int_equal(queued_unsubscribe(m, 0, fields), 0);
	to->token = "t";
	to->token_len = 1;
	len = queued_unsubscribe(m, 0, fields);
	assert_true(len > 0);
	assert_int_equal(queued_sender(m, 0, sender), 27);
	assert_string_equal(sender, "s+r=to.example@from.example");
	new_signer();
	assert_true(signing_ask(m, 0));
	assert_true(question(&ask));
	assert_int_equal(ask.fields_len, len);
	/* Others wrote it, and the list signs as itself. */
	assert_int_equal(ask.wishes, SIGNASK_SIGN | SIGNASK_SEAL);
	assert_int_equal(ask.list_len, 12);
	assert_memory_equal(ask.list, "from.example", 12);
	answer(ask.number, SIGNASK_DONE, "A: b\r\n");
	assert_int_equal(done, 1);
	assert_false(m->is_signed);
	assert_null(m->lines);
	assert_int_equal(m->fates[0].lines->len, 6);
	/* They are forgotten with the answer. */
	queued_note(m, 0, QUEUEFILE_DONE, "", 0);
	assert_null(m->fates[0].lines);
}

static void
another_signer_is_asked_again(void **state)
{
	struct signask ask;
	uint32_t first = 0;

	(void)state;
	new_signer();
	assert_true(signing_ask(messages[0], SIGNING_ALL));
	assert_true(signing_ask(messages[1], SIGNING_ALL));
	assert_true(question(&ask));
	close(signer);
	signer = -1;
	loop_wait(0);
	assert_int_equal(done, 0);
	assert_true(signing_ask(messages[2], SIGNING_ALL));
	new_signer();
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(question(&ask));
		if (i == 0)
			first = ask.number;
		assert_int_equal(ask.number, first + i);
		answer(ask.number, SIGNASK_DONE, "A: b\r\n");
	}
	assert_int_equal(done, 3);
}

static void
what_signers_die_with_is_put_off(void **state)
{
	struct signask ask;
	uint32_t blamed = 0;

	(void)state;
	assert_true(signing_ask(messages[0], SIGNING_ALL));
	assert_true(signing_ask(messages[1], SIGNING_ALL));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(done, 0);
		new_signer();
		assert_true(question(&ask));
		blamed = ask.number;
		close(signer);
		signer = -1;
		loop_wait(0);
	}
	assert_true(done == 1 && !messages[0]->is_signed);
	/* It alone is to blame. */
	new_signer();
	assert_true(question(&ask));
	assert_int_equal(ask.number, blamed + 1);
	answer(ask.number, SIGNASK_DONE, "");
	assert_true(done == 2 && messages[1]->is_signed);
}

static void
a_signer_that_answers_something_else_is_left(void **state)
{
	static struct {
		uint32_t other;
		char const *lines;
	} const cases[] = {{1, "A: b\r\n"}, {0, "no end"}, {0, "\r\nbody\r\n"},
		{0, "A: b\r\n\r\nC: d\r\n"}};
	struct signask ask;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		new_signer();
		assert_true(signing_ask(messages[i], SIGNING_ALL));
		assert_true(question(&ask));
		answer(ask.number + cases[i].other, SIGNASK_DONE,
			cases[i].lines);
		assert_int_equal(done, i);
		new_signer();
		assert_true(question(&ask));
		answer(ask.number, SIGNASK_DONE, "");
		assert_int_equal(done, i + 1);
	}
}

static void
a_silent_signer_is_left(void **state)
{
	struct signask ask;

	(void)state;
	new_signer();
	assert_true(signing_ask(messages[0], SIGNING_ALL));
	fake_ms += 299000;
	signing_tick();
	assert_true(question(&ask));
	answer(ask.number, SIGNASK_DONE, "");
	assert_int_equal(done, 1);
	assert_true(signing_ask(messages[1], SIGNING_ALL));
	fake_ms += 301000;
	signing_tick();
	assert_int_equal(done, 1);
	new_signer();
	assert_true(question(&ask));
	answer(ask.number, SIGNASK_DONE, "");
	assert_int_equal(done, 2);
}

static void
unsigned_only_where_a_setting_says_so(void **state)
{
	struct table settings = TABLE_ZERO;

	(void)state;
	assert_true(signing_ask(messages[0], SIGNING_ALL));
	fake_ms += 1000000;
	signing_tick();
	assert_int_equal(done, 0);
	fill(&settings, "send-unsigned", "1");
	signing_init(&settings, on_done);
	signing_tick();
	assert_true(done == 1 && messages[0]->is_signed &&
		    messages[0]->lines == NULL);
	table_close(&settings);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
	struct CMUnitTest const tests[] = {
		TEST(who_is_asked_for),
		TEST(without_keys_nobody_is_asked),
		TEST(answers_come_to_their_messages),
		TEST(a_copy_is_asked_for_by_itself),
		TEST(another_signer_is_asked_again),
		TEST(what_signers_die_with_is_put_off),
		TEST(a_signer_that_answers_something_else_is_left),
		TEST(a_silent_signer_is_left),
		TEST(unsigned_only_where_a_setting_says_so),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
