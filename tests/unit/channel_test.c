/* channel.h, with the test as spawner and as the process that delivers; both
 * may be hostile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <cmocka.h>
#include "common/log.h"
#include "common/pair.h"
#include "fake_loop.h"
#include "fake_message.h"
#include "queue/channel.h"

static unsigned opened, refused, reported, ended;
static enum job_opened refusal;
static uint32_t reported_number;
static struct job_report last_report;
static struct destination *to;
static struct queued *m;
static int spawner;
static char frame[WIRE_FRAME_MAX];

static void
on_opened(struct channel *c)
{
	assert_int_equal(c->state, CHANNEL_OPEN);
	opened++;
}

static void
on_refused(struct channel *c, enum job_opened answer)
{
	(void)c;
	refused++;
	refusal = answer;
}

static void
on_reported(struct channel *c, struct delivery *job, struct job_report const *r)
{
	(void)c;
	assert_int_equal(job->number, r->number);
	reported++;
	reported_number = r->number;
	last_report = *r;
	free(job);
}

static void
on_ended(struct channel *c)
{
	unsigned n = 0;

	ended++;
	while (c->sent != NULL) {
		struct delivery *job = c->sent;
		c->sent = job->next;
		free(job);
		n++;
	}
	assert_int_equal(n, c->in_hand);
}

static void
give_spawner(void)
{
	int ends[2];

	assert_true(pair_make(ends, true));
	spawner = ends[0];
	channel_set_spawner(POOL_LOCAL, ends[1]);
}

static int
set_up(void **state)
{
	static struct channel_events const events = {.opened = on_opened,
		.refused = on_refused,
		.reported = on_reported,
		.ended = on_ended};

	(void)state;
	opened = refused = reported = ended = 0;
	channel_init(&events);
	to = destination_find(POOL_LOCAL, "bob@a.test", 10, true);
	m = fake_message(3);
	give_spawner();
	return 0;
}

static int
take_down(void **state)
{
	(void)state;
	while (to->channels != NULL) {
		on_ended(to->channels);
		channel_close(to->channels);
	}
	close(spawner);
	loop_wait(0);
	destination_purge(loop_now_ms());
	fake_message_free(m);
	return destination_count() > 0 || channel_pools[POOL_LOCAL].count > 0 ||
	       channel_pools[POOL_LOCAL].wanted > 0 || fake_source_count > 0;
}

/* The number of the channel that is asked for; 0: none is. */
static uint32_t
hear_ask(void)
{
	struct job_open open;
	ssize_t n = pair_receive(spawner, frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return 0;
	assert_true(n > 0);
	assert_true(job_open_decode(frame, (size_t)n, &open));
	assert_int_equal(open.name_len, 10);
	assert_memory_equal(open.name, "bob@a.test", 10);
	return open.channel;
}

static void
answer(uint32_t channel, enum job_opened answer, int const *fds, size_t count)
{
	char s[64];
	size_t len = job_opened_encode(s, sizeof s, channel, answer);

	assert_true(pair_send(spawner, s, len, fds, count));
	loop_wait(0);
}

/* Asks for one and opens it; our end. */
static int
open_channel(struct channel **c_r)
{
	int ends[2];

	*c_r = channel_ask(to, false);
	assert_non_null(*c_r);
	assert_true(pair_make(ends, true));
	answer(hear_ask(), JOB_OPENED, &ends[1], 1);
	close(ends[1]);
	assert_int_equal((*c_r)->state, CHANNEL_OPEN);
	return ends[0];
}

static struct delivery *
make_delivery(uint16_t count)
{
	struct delivery *job =
		calloc(1, sizeof *job + count * sizeof *job->recipients);

	job->m = m;
	job->count = count;
	for (uint16_t i = 0; i < count; i++)
		job->recipients[i] = i;
	return job;
}

static uint32_t
send_job(struct channel *c, uint16_t count)
{
	struct delivery *job = make_delivery(count);

	assert_true(channel_send(c, job));
	return job->number;
}

static bool
report(int fd, uint32_t number, size_t count)
{
	static struct job_report r;
	bool ok;

	r.number = number;
	r.result_count = count;
	for (size_t i = 0; i < count; i++)
		r.results[i] = (struct job_result){
			.status = JOB_DONE, .text = "ok", .text_len = 2};
	ok = pair_send(
		fd, frame, job_report_encode(frame, sizeof frame, &r), NULL, 0);
	loop_wait(0);
	return ok;
}

static bool
has_ended(int fd)
{
	return pair_receive(fd, frame, sizeof frame, NULL, 0, NULL) == 0;
}

static void
job_carries_what_the_message_is(void **state)
{
	static struct job job;
	struct channel *c;
	int fd = open_channel(&c), got;
	uint32_t number;
	size_t count;
	ssize_t n;

	(void)state;
	m->q.message_offset = 400;
	m->q.message_len = 70000;
	m->q.added_offset = 70400;
	m->q.added_len = 90;
	m->q.flags = QUEUEFILE_8BIT | QUEUEFILE_OWN;
	number = send_job(c, 3);
	n = pair_receive(fd, frame, sizeof frame, &got, 1, &count);
	assert_true(n > 0);
	assert_int_equal(count, 1);
	/* It is open for reading alone. */
	assert_int_equal(fcntl(got, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(got);
	assert_true(job_decode(frame, (size_t)n, &job));
	assert_int_equal(job.number, number);
	assert_string_equal(job.id, FAKE_ID);
	assert_true(job.message_offset == 400 && job.message_len == 70000);
	assert_true(job.added_offset == 70400 && job.added_len == 90);
	/* The manager's own flags are its own business. */
	assert_int_equal(job.flags, QUEUEFILE_8BIT);
	assert_int_equal(job.recipient_count, 3);
	assert_memory_equal(job.sender, "s@from.example", 14);
	assert_true(report(fd, number, 3));
	assert_int_equal(reported, 1);
	assert_int_equal(last_report.result_count, 3);
	assert_int_equal(c->in_hand, 0);
	assert_int_equal(c->served, 1);
	close(fd);
}

static void
reports_come_in_any_order(void **state)
{
	struct channel *c;
	int fd = open_channel(&c);
	uint32_t a = send_job(c, 1), b = send_job(c, 1);

	(void)state;
	assert_true(report(fd, b, 1));
	assert_int_equal(reported_number, b);
	assert_true(report(fd, a, 1));
	assert_int_equal(reported_number, a);
	assert_int_equal(reported, 2);
	assert_int_equal(ended, 0);
	close(fd);
}

/* on_ended sees that every job is still there to be tried again. */
static void
hostile_report_ends_the_channel(void **state)
{
	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		struct channel *c;
		int fd = open_channel(&c);
		uint32_t number = send_job(c, 2);
		send_job(c, 1);
		ended = reported = 0;
		switch (kind) {
		case 0: /* for a job of another channel, or none */
			assert_true(report(fd, number + 100, 2));
			break;
		case 1: /* fewer results than recipients */
			assert_true(report(fd, number, 1));
			break;
		case 2:
			assert_true(report(fd, number, 3));
			break;
		case 3: /* the same one twice */
			assert_true(report(fd, number, 2));
			assert_int_equal(reported, 1);
			(void)report(fd, number, 2);
			reported = 0;
			break;
		case 4:
			assert_true(pair_send(fd, "nonsense", 8, NULL, 0));
			loop_wait(0);
			break;
		case 5: /* a descriptor, which no report has */
			assert_true(pair_send(fd, "x", 1, &fd, 1));
			loop_wait(0);
			break;
		}
		assert_int_equal(reported, 0);
		assert_int_equal(ended, 1);
		assert_null(to->channels);
		close(fd);
	}
}

static void
frame_that_is_too_long_ends_the_channel(void **state)
{
	static char big[WIRE_FRAME_MAX + 1];
	struct channel *c;
	int fd = open_channel(&c);

	(void)state;
	assert_true(pair_send(fd, big, sizeof big, NULL, 0));
	loop_wait(0);
	assert_int_equal(ended, 1);
	close(fd);
}

static void
end_of_a_process_is_told(void **state)
{
	struct channel *c;
	int fd = open_channel(&c);

	(void)state;
	send_job(c, 1);
	close(fd);
	loop_wait(0);
	assert_int_equal(ended, 1);
	assert_null(to->channels);
	assert_int_equal(to->channel_count, 0);
}

static void
full_pair_takes_no_job(void **state)
{
	struct channel *c;
	int fd = open_channel(&c), sent = 0;
	struct delivery *job;

	(void)state;
	while ((job = make_delivery(1)), channel_send(c, job))
		assert_true(++sent < 10000);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(c->in_hand, sent);
	free(job);
	close(fd);
	loop_wait(0);
	assert_int_equal(ended, 1);
}

static void
new_spawner_is_asked_again(void **state)
{
	struct channel *c = channel_ask(to, false), *open;
	uint32_t number = hear_ask();
	int fd, ends[2], late;

	(void)state;
	fd = open_channel(&open);
	/* It dies with the question in hand. */
	close(spawner);
	loop_wait(0);
	assert_int_equal(c->state, CHANNEL_WANTED);
	assert_int_equal(channel_pools[POOL_LOCAL].wanted, 1);
	/* A channel that is open lives on. */
	assert_int_equal(open->state, CHANNEL_OPEN);
	assert_true(report(fd, send_job(open, 1), 1));
	assert_int_equal(reported, 1);
	give_spawner();
	assert_int_equal(hear_ask(), number);
	assert_int_equal(hear_ask(), 0);
	/* And one that takes the place of a live one: what that one still
	 * answers is heard by nobody. */
	late = spawner;
	give_spawner();
	assert_false(pair_send(late, "x", 1, NULL, 0));
	close(late);
	assert_int_equal(hear_ask(), number);
	assert_true(pair_make(ends, true));
	answer(number, JOB_OPENED, &ends[1], 1);
	close(ends[1]);
	assert_int_equal(c->state, CHANNEL_OPEN);
	close(ends[0]);
	close(fd);
}

static void
full_spawner_is_asked_later(void **state)
{
	unsigned asked = 0;

	(void)state;
	while (channel_pools[POOL_LOCAL].wanted == 0) {
		assert_true(++asked < 10000);
		assert_non_null(channel_ask(to, false));
	}
	for (unsigned i = 1; i < asked; i++)
		assert_int_not_equal(hear_ask(), 0);
	assert_int_equal(hear_ask(), 0);
	channel_ask_wanted(POOL_LOCAL);
	assert_int_not_equal(hear_ask(), 0);
	assert_int_equal(channel_pools[POOL_LOCAL].wanted, 0);
}

static void
spawner_can_refuse(void **state)
{
	(void)state;
	assert_non_null(channel_ask(to, false));
	answer(hear_ask(), JOB_UNKNOWN, NULL, 0);
	assert_int_equal(refused, 1);
	assert_int_equal(refusal, JOB_UNKNOWN);
	assert_non_null(channel_ask(to, true));
	answer(hear_ask(), JOB_LATER, NULL, 0);
	assert_int_equal(refusal, JOB_LATER);
	assert_null(to->channels);
	assert_int_equal(to->asking, 0);
	assert_int_equal(channel_pools[POOL_LOCAL].suspects, 0);
}

static void
hostile_answers_open_nothing(void **state)
{
	int ends[2], more[2];
	uint32_t number;

	(void)state;
	/* Yes, without a channel. */
	assert_non_null(channel_ask(to, false));
	answer(hear_ask(), JOB_OPENED, NULL, 0);
	assert_int_equal(refused, 1);
	assert_int_equal(refusal, JOB_LATER);
	/* No, with one. */
	assert_non_null(channel_ask(to, false));
	assert_true(pair_make(ends, true));
	answer(hear_ask(), JOB_UNKNOWN, &ends[1], 1);
	close(ends[1]);
	assert_int_equal(refused, 2);
	assert_int_equal(refusal, JOB_LATER);
	assert_true(has_ended(ends[0]));
	close(ends[0]);
	/* What nobody asked for. */
	assert_true(pair_make(ends, true));
	answer(77777, JOB_OPENED, &ends[1], 1);
	close(ends[1]);
	assert_true(has_ended(ends[0]));
	close(ends[0]);
	/* The same channel a second time. */
	assert_non_null(channel_ask(to, false));
	number = hear_ask();
	assert_true(pair_make(ends, true));
	answer(number, JOB_OPENED, &ends[1], 1);
	close(ends[1]);
	assert_true(pair_make(more, true));
	answer(number, JOB_OPENED, &more[1], 1);
	close(more[1]);
	assert_true(has_ended(more[0]));
	close(more[0]);
	answer(number, JOB_UNKNOWN, NULL, 0);
	assert_int_equal(opened, 1);
	assert_int_equal(refused, 2);
	assert_int_equal(to->channel_count, 1);
	close(ends[0]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, take_down)

int
main(void)
{
	struct CMUnitTest const tests[] = {
		TEST(job_carries_what_the_message_is),
		TEST(reports_come_in_any_order),
		TEST(hostile_report_ends_the_channel),
		TEST(frame_that_is_too_long_ends_the_channel),
		TEST(end_of_a_process_is_told),
		TEST(full_pair_takes_no_job),
		TEST(new_spawner_is_asked_again),
		TEST(full_spawner_is_asked_later),
		TEST(spawner_can_refuse),
		TEST(hostile_answers_open_nothing),
	};

	log_open("channel_test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
