/* Deliveries and what comes of them. */
#include <stdlib.h>
#include <string.h>
#include "common/log.h"
#include "queue/channel.h"
#include "queue/deliveries.h"
#include "queue/loop.h"
#include "queue/turns.h"

/* Failures in a row after which a destination is held. */
#define FAILURES_HOLD 3
/* Processes that may die with a message before it is put off. */
#define CRASHES_MAX 3
/* Answers JOB_LATER in a row before deliveries are put off. */
#define LATERS_MAX 20
/* Parked messages are called back when the line is this short. */
#define LINE_LOW (DELIVERIES_LINE_MAX / 2)

static struct deliveries_events events;

static struct pool *
pool_of(struct destination const *d)
{
	return &pools[d->pool];
}

static void
finish(struct delivery *job)
{
	struct queued *m = job->m;

	free(job);
	m->open--;
	events.over(m);
}

static void
answer_all(struct destination *d, struct delivery *job, enum job_status status,
	char const *text, size_t len)
{
	for (size_t i = 0; i < job->count; i++)
		events.result(job->m, job->recipients[i], d, status, text, len);
	finish(job);
}

/* Everything in line gets this answer. */
static void
answer_line(struct destination *d, enum job_status status, char const *text,
	size_t len)
{
	struct delivery *job;

	while ((job = destination_shift(d)) != NULL) {
		pool_of(d)->waiting--;
		answer_all(d, job, status, text, len);
	}
}

bool
deliveries_is_held(struct destination const *d)
{
	return d->held_until > loop_moved_ms();
}

bool
deliveries_is_crowded(struct destination const *d, uint32_t sender)
{
	size_t n = d->waiting + d->signing;

	return n >= DELIVERIES_LINE_MAX * 3 / 2 ||
	       (n >= DELIVERIES_LINE_MAX && destination_has_sender(d, sender));
}

bool
deliveries_add(struct destination *to, struct queued *m,
	uint16_t const *recipients, size_t count)
{
	struct delivery *job = malloc(sizeof *job + count * sizeof *recipients);

	if (job == NULL)
		return false;
	*job = (struct delivery){.m = m, .count = (uint16_t)count};
	memcpy(job->recipients, recipients, count * sizeof *recipients);
	m->open++;
	if (deliveries_is_held(to)) {
		answer_all(to, job, JOB_RETRY, to->reason, to->reason_len);
		return true;
	}
	destination_append(to, job);
	pool_of(to)->waiting++;
	turns_wake(to);
	return true;
}

static void
unpark_all(struct destination *d, uint64_t delay_s)
{
	char id[ID_LEN + 1];

	for (uint64_t i = 0; fairlist_take(&d->parked, id); i++)
		events.unpark(id, delay_s + (delay_s > 0 ? i / 100 : 0));
}

static void
unpark_some(struct destination *d)
{
	char id[ID_LEN + 1];

	for (size_t i = d->waiting; i < LINE_LOW; i++) {
		if (!fairlist_take(&d->parked, id))
			break;
		events.unpark(id, 0);
	}
}

/* Each hold lasts twice as long as the one before, up to a limit. */
static uint64_t
next_hold(struct destination const *d)
{
	struct pool_limits const *limits = &pool_of(d)->limits;
	uint64_t next = 2 * d->hold_ms;

	if (d->hold_ms == 0)
		return limits->hold_ms;
	if (limits->hold_max_ms < limits->hold_ms)
		return limits->hold_ms;
	return next < limits->hold_max_ms ? next : limits->hold_max_ms;
}

static void
hold(struct destination *d, char const *text, size_t len)
{
	uint64_t hold_ms = next_hold(d);
	char *reason = malloc(len + 1);

	if (reason == NULL)
		return;
	d->hold_ms = hold_ms;
	memcpy(reason, text, len);
	reason[len] = '\0';
	free(d->reason);
	d->reason = reason;
	d->reason_len = len;
	d->held_until = loop_moved_ms() + hold_ms;
	log_event(
		"held", NULL, "destination", d->name, "why", reason, (char *)0);
	turns_leave(d);
	answer_line(d, JOB_RETRY, reason, len);
	unpark_all(d, hold_ms / 1000 + 1);
}

/* How it went tells how many channels the destination may have. */
static void
learn(struct channel *c, bool is_put_off, char const *text, size_t len)
{
	struct destination *d = c->to;

	d->laters = 0;
	if (!is_put_off) {
		c->succeeded = true;
		d->failures = 0;
		d->held_until = 0;
		d->hold_ms = 0;
		d->window = turns_window(d) + 1;
		return;
	}
	/* Where other messages get through, the trouble is the message's. */
	if (c->succeeded)
		return;
	d->window = turns_window(d) / 2 + turns_window(d) % 2;
	if (++d->failures < FAILURES_HOLD)
		return;
	/* The next try after the hold is one, and decides. */
	d->failures = FAILURES_HOLD - 1;
	d->window = 1;
	hold(d, text, len);
}

static void
on_reported(struct channel *c, struct delivery *job, struct job_report const *r)
{
	struct destination *d = c->to;
	bool is_put_off = true;
	char text[JOB_TEXT_MAX];
	size_t len = r->results[0].text_len;

	memcpy(text, r->results[0].text, len);
	pool_of(d)->in_hand--;
	for (size_t i = 0; i < job->count; i++) {
		struct job_result const *one = &r->results[i];
		is_put_off = is_put_off && one->status == JOB_RETRY;
		events.result(job->m, job->recipients[i], d, one->status,
			one->text, one->text_len);
	}
	finish(job);
	learn(c, is_put_off, text, len);
	unpark_some(d);
	turns_yield(c);
	turns_wake(d);
}

static void
on_opened(struct channel *c)
{
	c->to->laters = 0;
	turns_wake(c->to);
}

static void
on_refused(struct channel *c, enum job_opened answer)
{
	static char const unknown[] = "5.1.1 no such mailbox or destination";
	static char const later[] = "4.3.2 no process could be started for it";
	struct destination *d = c->to;

	/* Messages in line may have been saved and let go of already. */
	if (turns_are_stopped())
		return;
	if (answer == JOB_UNKNOWN) {
		turns_leave(d);
		answer_line(d, JOB_FAILED, unknown, sizeof unknown - 1);
		unpark_all(d, 0);
	} else if (++d->laters > LATERS_MAX) {
		d->laters = 0;
		turns_leave(d);
		answer_line(d, JOB_RETRY, later, sizeof later - 1);
		unpark_all(d, 60);
	} else if (d->first != NULL && d->channel_count == 1) {
		turns_pause(d);
	}
}

/* Jobs in hand are tried again, those that a process died with one at a time;
 * a message must not wear out one process after another. */
static void
on_ended(struct channel *c)
{
	static char const died[] = "4.3.0 the delivering process died";
	struct destination *d = c->to;
	struct delivery *again = NULL;

	while (c->sent != NULL) {
		struct delivery *job = c->sent;
		c->sent = job->next;
		pool_of(d)->in_hand--;
		if (++job->crashes >= CRASHES_MAX) {
			answer_all(d, job, JOB_RETRY, died, sizeof died - 1);
			continue;
		}
		job->next = again;
		again = job;
	}
	while (again != NULL) {
		struct delivery *job = again;
		again = job->next;
		destination_prepend(d, job);
		pool_of(d)->waiting++;
	}
	c->in_hand = 0;
	/* Held meanwhile: what was given back is not tried again at once. */
	if (deliveries_is_held(d)) {
		turns_leave(d);
		answer_line(d, JOB_RETRY, d->reason, d->reason_len);
		return;
	}
	unpark_some(d);
	turns_wake(d);
}

void
deliveries_init(struct deliveries_events const *e,
	struct pool_limits const limits[POOLS])
{
	static struct channel_events const mine = {.opened = on_opened,
		.refused = on_refused,
		.reported = on_reported,
		.ended = on_ended};

	events = *e;
	turns_init(limits);
	channel_init(&mine);
}

static void
tick_channels(enum pool_kind kind, uint64_t now)
{
	struct pool_limits const *limits = &pools[kind].limits;
	struct channel *c, *after;

	for (c = channel_pools[kind].first; c != NULL; c = after) {
		uint64_t silent = now - c->since_ms;
		after = c->after;
		if (c->state != CHANNEL_OPEN)
			continue;
		if (c->in_hand == 0 && silent >= limits->idle_ms) {
			struct destination *d = c->to;
			channel_close(c);
			turns_wake(d);
		} else if (c->in_hand > 0 && silent >= limits->job_ms) {
			log_event("silent", NULL, "channel", c->to->name,
				(char *)0);
			on_ended(c);
			channel_close(c);
		}
	}
}

void
deliveries_tick(void)
{
	uint64_t now = loop_now_ms();

	for (int i = 0; i < POOLS; i++) {
		tick_channels((enum pool_kind)i, now);
		channel_ask_wanted((enum pool_kind)i);
	}
	turns_resume();
	destination_purge(loop_moved_ms());
}

bool
deliveries_are_busy(void)
{
	return destination_count() > 0;
}

unsigned
deliveries_in_hand(void)
{
	return pools[POOL_LOCAL].in_hand + pools[POOL_REMOTE].in_hand;
}
