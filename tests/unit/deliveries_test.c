/* deliveries.h and turns.h, with the test as spawner and as every process that
 * delivers, and with a clock that it moves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "common/log.h"
#include "common/pair.h"
#include "fake_loop.h"
#include "fake_message.h"
#include "queue/channel.h"
#include "queue/deliveries.h"

#define CHANNELS 8
#define PER_DESTINATION 4
#define IN_HAND 2
#define QUANTUM 5
#define IDLE_MS 5000
#define JOB_MS 60000
#define HOLD_MS 300000

/* What the manager was told. */
static struct {
	enum job_status status;
	char text[JOB_TEXT_MAX + 1];
} results[400];
static size_t result_count, over_count, unpark_count;
static uint64_t unpark_delay;
static int spawner; /* our end */

static void
on_result(struct queued *m, size_t recipient, struct destination const *to,
	enum job_status status, char const *text, size_t len)
{
	assert_true(recipient < m->q.recipient_count);
	assert_non_null(to);
	assert_true(result_count < sizeof results / sizeof *results);
	results[result_count].status = status;
	memcpy(results[result_count].text, text, len);
	results[result_count++].text[len] = '\0';
}

static void
on_over(struct queued *m)
{
	(void)m;
	over_count++;
}

static void
on_unpark(char const *id, uint64_t delay_s)
{
	(void)id;
	unpark_count++;
	unpark_delay = delay_s;
}

static void
run(void)
{
	for (int i = 0; i < 3; i++) {
		turns_run();
		loop_wait(0);
	}
	turns_run();
}

static void
pass(uint64_t ms)
{
	fake_ms += ms;
	deliveries_tick();
	run();
}

/* The next question to the spawner. */
static bool
hear_ask(struct job_open *open_r)
{
	static char frame[WIRE_FRAME_MAX];
	ssize_t n = pair_receive(spawner, frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return false;
	assert_true(n > 0);
	assert_true(job_open_decode(frame, (size_t)n, open_r));
	return true;
}

static void
answer(uint32_t channel, enum job_opened opened, int fd)
{
	char frame[64];
	size_t len = job_opened_encode(frame, sizeof frame, channel, opened);

	assert_true(pair_send(spawner, frame, len, &fd, fd >= 0 ? 1 : 0));
}

/* Opens a channel if the spawner is asked for one to `name`; our end, or -1. */
static int
open_one(char const *name)
{
	struct job_open open;
	int ends[2];

	if (!hear_ask(&open))
		return -1;
	assert_int_equal(open.name_len, strlen(name));
	assert_memory_equal(open.name, name, open.name_len);
	assert_true(pair_make(ends, true));
	answer(open.channel, JOB_OPENED, ends[1]);
	close(ends[1]);
	run();
	return ends[0];
}

/* The number of the next job on a channel; 0: there is none, or it has ended.
 */
static uint32_t
hear_job(int channel)
{
	static char frame[WIRE_FRAME_MAX];
	static struct job job;
	size_t count = 0;
	int fd;
	ssize_t n = pair_receive(channel, frame, sizeof frame, &fd, 1, &count);

	if (n == 0 || (n < 0 && errno == EAGAIN))
		return 0;
	assert_true(n > 0);
	assert_int_equal(count, 1);
	close(fd);
	assert_true(job_decode(frame, (size_t)n, &job));
	return job.number;
}

static void
report(int channel, uint32_t number, enum job_status status, char const *text)
{
	static struct job_report r;
	char frame[1000];

	r.number = number;
	r.result_count = 1;
	r.results[0] = (struct job_result){
		.status = status, .text = text, .text_len = strlen(text)};
	assert_true(pair_send(channel, frame,
		job_report_encode(frame, sizeof frame, &r), NULL, 0));
	run();
}

/* Takes the next job and answers it. */
static void
serve(int channel, enum job_status status, char const *text)
{
	uint32_t number = hear_job(channel);

	assert_int_not_equal(number, 0);
	report(channel, number, status, text);
}

static bool
has_ended(int channel)
{
	char c;

	return pair_receive(channel, &c, 1, NULL, 0, NULL) == 0;
}

static struct destination *
destination(char const *name)
{
	return destination_find(POOL_REMOTE, name, strlen(name), true);
}

static void
add(char const *name, struct queued *m, size_t times)
{
	static uint16_t const first = 0;

	while (times-- > 0)
		assert_true(deliveries_add(destination(name), m, &first, 1));
}

static void
give_spawner(void)
{
	int ends[2];

	assert_true(pair_make(ends, true));
	spawner = ends[0];
	channel_set_spawner(POOL_REMOTE, ends[1]);
}

static int
set_up(void **state)
{
	static struct deliveries_events const events = {
		.result = on_result, .over = on_over, .unpark = on_unpark};
	struct pool_limits l = {.channels = CHANNELS,
		.per_destination = PER_DESTINATION,
		.in_hand = IN_HAND,
		.quantum = QUANTUM,
		.idle_ms = IDLE_MS,
		.job_ms = JOB_MS,
		.hold_ms = HOLD_MS};
	struct pool_limits limits[POOLS] = {l, l};

	result_count = over_count = unpark_count = 0;
	unpark_delay = 0;
	deliveries_init(&events, limits);
	give_spawner();
	*state = fake_message(1);
	return 0;
}

/* Whatever a test left is brought to its end: all is freed. */
static int
take_down(void **state)
{
	struct job_open open;

	pass(HOLD_MS + 1);
	for (int i = 0; i < 50 && destination_count() > 0; i++) {
		result_count = 0;
		while (hear_ask(&open))
			answer(open.channel, JOB_UNKNOWN, -1);
		run();
		pass(JOB_MS);
	}
	close(spawner);
	run();
	fake_message_free(*state);
	return destination_count() > 0 ||
	       channel_pools[POOL_REMOTE].count > 0 ||
	       deliveries_in_hand() > 0 || pools[POOL_REMOTE].waiting > 0;
}

static void
report_is_told(void **state)
{
	struct queued *m = *state;
	int channel;

	add("a", m, 1);
	assert_int_equal(m->open, 1);
	run();
	channel = open_one("a");
	assert_int_equal(deliveries_in_hand(), 1);
	serve(channel, JOB_DONE, "250 thanks");
	assert_int_equal(result_count, 1);
	assert_int_equal(results[0].status, JOB_DONE);
	assert_string_equal(results[0].text, "250 thanks");
	assert_int_equal(over_count, 1);
	assert_int_equal(m->open, 0);
	assert_int_equal(deliveries_in_hand(), 0);
	close(channel);
}

/* Two at first, one more for each success. */
static void
channels_of_a_destination_grow_to_their_limit(void **state)
{
	int channels[PER_DESTINATION];

	add("a", *state, 40);
	run();
	channels[0] = open_one("a");
	channels[1] = open_one("a");
	assert_int_equal(open_one("a"), -1);
	serve(channels[0], JOB_DONE, "");
	channels[2] = open_one("a");
	assert_int_equal(open_one("a"), -1);
	serve(channels[0], JOB_DONE, "");
	channels[3] = open_one("a");
	for (int i = 0; i < 10; i++)
		serve(channels[i % 4], JOB_DONE, "");
	assert_int_equal(open_one("a"), -1);
	for (int i = 0; i < PER_DESTINATION; i++)
		close(channels[i]);
}

static void
jobs_in_hand_are_limited(void **state)
{
	int channels[2];

	add("a", *state, 10);
	run();
	channels[0] = open_one("a");
	channels[1] = open_one("a");
	for (int i = 0; i < 2; i++) {
		assert_int_not_equal(hear_job(channels[i]), 0);
		assert_int_not_equal(hear_job(channels[i]), 0);
		assert_int_equal(hear_job(channels[i]), 0);
		close(channels[i]);
	}
	assert_int_equal(deliveries_in_hand(), 4);
}

/* No more channels than the pool has; who comes later gets one as soon as
 * another has had its share. */
static void
destinations_take_turns(void **state)
{
	static char const *const busy[] = {"a", "b", "c", "d"};
	int channels[CHANNELS], late, served = 0;

	for (size_t i = 0; i < 4; i++)
		add(busy[i], *state, 30);
	run();
	/* In turn: each gets its first before any gets its second. */
	for (size_t i = 0; i < CHANNELS; i++) {
		channels[i] = open_one(busy[i % 4]);
		assert_true(channels[i] >= 0);
	}
	add("late", *state, 1);
	run();
	assert_int_equal(open_one("late"), -1);
	/* It has had its share: no new job, and its place is the other's. */
	for (uint32_t number; (number = hear_job(channels[0])) != 0; served++)
		report(channels[0], number, JOB_DONE, "");
	assert_true(served <= QUANTUM + IN_HAND);
	assert_true(has_ended(channels[0]));
	late = open_one("late");
	assert_true(late >= 0);
	serve(late, JOB_DONE, "");
	close(late);
	for (size_t i = 0; i < CHANNELS; i++)
		close(channels[i]);
}

static void
idle_channel_gives_way(void **state)
{
	char name[2] = "a";
	int channels[CHANNELS], late;

	for (size_t i = 0; i < CHANNELS; i++, name[0]++) {
		add(name, *state, 1);
		run();
		channels[i] = open_one(name);
		fake_ms++;
		serve(channels[i], JOB_DONE, "");
	}
	add("late", *state, 1);
	run();
	/* The one that is idle for longest. */
	assert_true(has_ended(channels[0]));
	assert_false(has_ended(channels[1]));
	late = open_one("late");
	serve(late, JOB_DONE, "");
	close(late);
	for (size_t i = 0; i < CHANNELS; i++)
		close(channels[i]);
}

static void
idle_channel_is_closed_after_a_while(void **state)
{
	int channel;

	add("a", *state, 1);
	run();
	channel = open_one("a");
	serve(channel, JOB_DONE, "");
	pass(IDLE_MS - 1);
	assert_false(has_ended(channel));
	pass(1);
	assert_true(has_ended(channel));
	close(channel);
	assert_false(deliveries_are_busy());
}

static void
three_failures_hold_a_destination(void **state)
{
	struct destination *d = destination("a");
	int channels[2], one;

	add("a", *state, 20);
	run();
	channels[0] = open_one("a");
	channels[1] = open_one("a");
	serve(channels[0], JOB_RETRY, "4.4.1 down");
	serve(channels[1], JOB_RETRY, "4.4.1 down");
	assert_false(deliveries_is_held(d));
	assert_true(fairlist_add(&d->parked, 0, FAKE_ID));
	serve(channels[0], JOB_RETRY, "4.4.1 it is down");
	assert_true(deliveries_is_held(d));
	/* What was in line is put off for the same reason; not what is in
	 * hand. */
	assert_int_equal(result_count, 20 - deliveries_in_hand());
	assert_string_equal(
		results[19 - deliveries_in_hand()].text, "4.4.1 it is down");
	/* What was parked comes back when the hold is over. */
	assert_int_equal(unpark_count, 1);
	assert_int_equal(unpark_delay, HOLD_MS / 1000 + 1);
	/* What comes meanwhile is put off at once. */
	add("a", *state, 1);
	assert_string_equal(results[result_count - 1].text, "4.4.1 it is down");
	/* So is what the processes give back. */
	close(channels[0]);
	close(channels[1]);
	run();
	assert_int_equal(result_count, 21);
	assert_int_equal(d->waiting, 0);
	/* Then one try decides. */
	pass(HOLD_MS);
	assert_false(deliveries_is_held(d));
	add("a", *state, 2);
	run();
	one = open_one("a");
	assert_int_equal(open_one("a"), -1);
	serve(one, JOB_RETRY, "4.4.1 still down");
	assert_true(deliveries_is_held(d));
	close(one);
}

/* The trouble is the message's, not the host's. */
static void
failures_among_successes_hold_nothing(void **state)
{
	int channel;

	add("a", *state, 11);
	run();
	channel = open_one("a");
	serve(channel, JOB_DONE, "");
	for (int i = 0; i < 10; i++)
		serve(channel, JOB_RETRY, "4.7.1 greylisted");
	assert_false(deliveries_is_held(destination("a")));
	close(channel);
}

/* A permanent failure is an answer: the host is alive. */
static void
refusals_hold_nothing(void **state)
{
	int channel;

	add("a", *state, 5);
	run();
	channel = open_one("a");
	for (int i = 0; i < 5; i++)
		serve(channel, JOB_FAILED, "5.1.1 no such user");
	assert_false(deliveries_is_held(destination("a")));
	close(channel);
}

static void
third_death_puts_a_message_off(void **state)
{
	int channel;

	add("a", *state, 1);
	run();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(result_count, 0);
		channel = open_one("a");
		assert_int_not_equal(hear_job(channel), 0);
		close(channel);
		run();
	}
	assert_int_equal(result_count, 1);
	assert_int_equal(results[0].status, JOB_RETRY);
	assert_string_equal(
		results[0].text, "4.3.0 the delivering process died");
	assert_int_equal(over_count, 1);
	assert_int_equal(deliveries_in_hand(), 0);
}

/* Whichever of them it was: nothing goes with it the next time. */
static void
what_a_process_died_with_is_tried_alone(void **state)
{
	int channels[2];

	add("a", *state, 2);
	run();
	channels[0] = open_one("a");
	assert_true(channels[0] >= 0);
	channels[1] = open_one("a");
	assert_true(channels[1] < 0 || hear_job(channels[1]) == 0);
	assert_int_not_equal(hear_job(channels[0]), 0);
	assert_int_not_equal(hear_job(channels[0]), 0);
	if (channels[1] >= 0)
		close(channels[1]);
	run();
	close(channels[0]);
	run();
	channels[0] = open_one("a");
	assert_int_not_equal(hear_job(channels[0]), 0);
	assert_int_equal(hear_job(channels[0]), 0);
	close(channels[0]);
}

static void
silent_process_is_given_up(void **state)
{
	int channel;

	add("a", *state, 1);
	run();
	channel = open_one("a");
	assert_int_not_equal(hear_job(channel), 0);
	pass(JOB_MS - 1);
	assert_false(has_ended(channel));
	pass(1);
	assert_true(has_ended(channel));
	close(channel);
	channel = open_one("a");
	serve(channel, JOB_DONE, "");
	assert_int_equal(result_count, 1);
	close(channel);
}

/* Asked again half a second later; at last the line is put off. */
static void
later_pauses_a_destination(void **state)
{
	struct job_open open;
	int asked = 0;

	add("a", *state, 1);
	assert_true(fairlist_add(&destination("a")->parked, 0, FAKE_ID));
	run();
	for (; result_count == 0; asked++) {
		assert_true(hear_ask(&open));
		answer(open.channel, JOB_LATER, -1);
		run();
		assert_false(hear_ask(&open));
		if (result_count == 0)
			pass(500);
	}
	assert_int_equal(asked, 21);
	assert_int_equal(results[0].status, JOB_RETRY);
	assert_int_equal(unpark_count, 1);
	assert_int_equal(unpark_delay, 60);
}

static void
unknown_fails_the_line(void **state)
{
	struct job_open open;

	add("a", *state, 3);
	assert_true(fairlist_add(&destination("a")->parked, 0, FAKE_ID));
	run();
	assert_true(hear_ask(&open));
	answer(open.channel, JOB_UNKNOWN, -1);
	run();
	assert_int_equal(result_count, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(results[i].status, JOB_FAILED);
	assert_int_equal(over_count, 3);
	assert_int_equal(unpark_count, 1);
	assert_int_equal(unpark_delay, 0);
}

/* What has failed before gets three quarters of the places. */
static void
suspects_leave_room(void **state)
{
	struct queued *old = fake_message(1);
	char name[2] = "a";
	int channels[CHANNELS], count = 0, fresh;

	old->q.attempts = 1;
	for (size_t i = 0; i < CHANNELS; i++, name[0]++)
		add(name, old, 1);
	run();
	for (name[0] = 'a'; count < CHANNELS; count++, name[0]++) {
		channels[count] = open_one(name);
		if (channels[count] < 0)
			break;
	}
	assert_int_equal(count, CHANNELS - CHANNELS / 4);
	add("new", *state, 1);
	run();
	fresh = open_one("new");
	assert_true(fresh >= 0);
	serve(fresh, JOB_DONE, "");
	close(fresh);
	while (count > 0)
		close(channels[--count]);
	run();
	/* Each has its end before the message goes. */
	for (struct job_open open; old->open > 0; run())
		while (hear_ask(&open))
			answer(open.channel, JOB_UNKNOWN, -1);
	fake_message_free(old);
}

static void
short_line_calls_the_parked_back(void **state)
{
	struct destination *d = destination("a");
	int channel;

	add("a", *state, DELIVERIES_LINE_MAX);
	assert_true(deliveries_is_crowded(d, 0));
	for (int i = 0; i < 10; i++)
		assert_true(fairlist_add(&d->parked, 0, FAKE_ID));
	run();
	channel = open_one("a");
	while (d->waiting >= DELIVERIES_LINE_MAX / 2) {
		assert_int_equal(unpark_count, 0);
		serve(channel, JOB_DONE, "");
	}
	assert_false(deliveries_is_crowded(d, 0));
	serve(channel, JOB_DONE, "");
	assert_true(unpark_count > 0);
	assert_int_equal(unpark_delay, 0);
	close(channel);
}

static void
senders_take_turns(void **state)
{
	struct queued *many = *state, *one = fake_message(1);
	int channel;

	one->sender = 1;
	add("a", many, 90);
	add("a", one, 1);
	run();
	channel = open_one("a");
	serve(channel, JOB_DONE, "");
	serve(channel, JOB_DONE, "");
	assert_int_equal(one->open, 0);
	/* Two of his have the next turn and the one after. */
	add("a", one, 2);
	for (int i = 0; i < 6; i++)
		serve(channel, JOB_DONE, "");
	assert_int_equal(one->open, 0);
	assert_true(many->open > 80);
	close(channel);
	run();
	fake_message_free(one);
}

static void
a_turn_is_of_one_priority(void **state)
{
	struct queued *many = *state, *urgent = fake_message(1),
		      *one = fake_message(1);
	int channel;

	urgent->q.priority = 3;
	urgent->sender = one->sender = 1;
	add("a", many, 20);
	add("a", urgent, 3);
	add("a", one, 1);
	run();
	channel = open_one("a");
	for (int i = 0; i < 3; i++)
		serve(channel, JOB_DONE, "");
	assert_int_equal(urgent->open, 0);
	serve(channel, JOB_DONE, "");
	serve(channel, JOB_DONE, "");
	assert_int_equal(one->open, 0);
	close(channel);
	run();
	fake_message_free(urgent);
	fake_message_free(one);
}

static void
who_has_nothing_in_line_is_let_in(void **state)
{
	struct destination *d = destination("a");

	add("a", *state, DELIVERIES_LINE_MAX);
	assert_true(deliveries_is_crowded(d, 0));
	assert_false(deliveries_is_crowded(d, 1));
	add("a", *state, DELIVERIES_LINE_MAX / 2);
	assert_true(deliveries_is_crowded(d, 1));
}

/* For good: the last test. What is in line may have been let go of. */
static void
stop_leaves_the_line_alone(void **state)
{
	struct job_open open;
	int channel;

	add("a", *state, 6);
	add("b", *state, 1);
	run();
	channel = open_one("a");
	turns_stop();
	serve(channel, JOB_DONE, "");
	serve(channel, JOB_DONE, "");
	assert_int_equal(hear_job(channel), 0);
	assert_int_equal(deliveries_in_hand(), 0);
	result_count = 0;
	while (hear_ask(&open))
		answer(open.channel, JOB_UNKNOWN, -1);
	close(channel);
	run();
	pass(JOB_MS);
	assert_int_equal(result_count, 0);
}

static int
let_go(void **state)
{
	close(spawner);
	fake_message_free(*state);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, take_down)

int
main(void)
{
	struct CMUnitTest const tests[] = {
		TEST(report_is_told),
		TEST(channels_of_a_destination_grow_to_their_limit),
		TEST(jobs_in_hand_are_limited),
		TEST(destinations_take_turns),
		TEST(idle_channel_gives_way),
		TEST(idle_channel_is_closed_after_a_while),
		TEST(three_failures_hold_a_destination),
		TEST(failures_among_successes_hold_nothing),
		TEST(refusals_hold_nothing),
		TEST(third_death_puts_a_message_off),
		TEST(what_a_process_died_with_is_tried_alone),
		TEST(silent_process_is_given_up),
		TEST(later_pauses_a_destination),
		TEST(unknown_fails_the_line),
		TEST(suspects_leave_room),
		TEST(short_line_calls_the_parked_back),
		TEST(senders_take_turns),
		TEST(a_turn_is_of_one_priority),
		TEST(who_has_nothing_in_line_is_let_in),
		cmocka_unit_test_setup_teardown(
			stop_leaves_the_line_alone, set_up, let_go),
	};

	log_open("deliveries_test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
