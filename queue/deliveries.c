/* Who is served next, and by which channel. */
#include <stdlib.h>
#include <string.h>
#include "common/log.h"
#include "queue/channel.h"
#include "queue/deliveries.h"
#include "queue/loop.h"

/* Failures in a row after which a destination is held. */
#define FAILURES_HOLD 3
/* Channels that a remote destination may have before it has accepted any. */
#define WINDOW_FIRST 2
/* Processes that may die with a message before it is put off. */
#define CRASHES_MAX 3
/* Answers JOB_LATER in a row before deliveries are put off. */
#define LATERS_MAX 20
/* Parked messages are called back when the line is this short. */
#define LINE_LOW (DELIVERIES_LINE_MAX / 2)

struct pool {
	struct ring ready, starved, paused;
	struct deliveries_limits limits;
	size_t waiting;
	unsigned in_hand;
};

static struct pool pools[POOLS];
static struct deliveries_events events;
static bool is_stopped;

static struct pool *
pool_of(struct destination const *d)
{
	return &pools[d->pool];
}

static void
leave_ring(struct destination *d)
{
	struct pool *p = pool_of(d);

	if (d->ring == RING_READY)
		ring_remove(&p->ready, d);
	else if (d->ring == RING_STARVED)
		ring_remove(&p->starved, d);
	else if (d->ring == RING_PAUSED)
		ring_remove(&p->paused, d);
}

/* It may be able to go on. Who starves or pauses keeps its place. */
static void
wake(struct destination *d)
{
	if (d->ring == RING_NONE && d->first != NULL && !is_stopped)
		ring_push(&pool_of(d)->ready, d, RING_READY);
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
	return d->held_until > loop_now_ms();
}

bool
deliveries_is_crowded(struct destination const *d)
{
	return d->waiting >= DELIVERIES_LINE_MAX;
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
	wake(to);
	return true;
}

static void
unpark_all(struct destination *d, uint64_t delay_s)
{
	char id[ID_LEN + 1];

	for (uint64_t i = 0; idlist_take(&d->parked, id); i++)
		events.unpark(id, delay_s + (delay_s > 0 ? i / 100 : 0));
}

static void
unpark_some(struct destination *d)
{
	char id[ID_LEN + 1];

	for (size_t i = d->waiting; i < LINE_LOW; i++) {
		if (!idlist_take(&d->parked, id))
			break;
		events.unpark(id, 0);
	}
}

static void
hold(struct destination *d, char const *text, size_t len)
{
	uint64_t hold_ms = pool_of(d)->limits.hold_ms;
	char *reason = malloc(len + 1);

	if (reason == NULL)
		return;
	memcpy(reason, text, len);
	reason[len] = '\0';
	free(d->reason);
	d->reason = reason;
	d->reason_len = len;
	d->held_until = loop_now_ms() + hold_ms;
	log_event(
		"held", NULL, "destination", d->name, "why", reason, (char *)0);
	leave_ring(d);
	answer_line(d, JOB_RETRY, reason, len);
	unpark_all(d, hold_ms / 1000 + 1);
}

/* The channel that a job can be sent on now, the least loaded. */
static struct channel *
free_channel(struct destination const *d)
{
	struct pool *p = pool_of(d);
	bool yields = p->starved.count > 0;
	unsigned most = d->first->crashes > 0 ? 1 : p->limits.in_hand;
	struct channel *best = NULL;

	for (struct channel *c = d->channels; c != NULL; c = c->next_here) {
		if (c->state != CHANNEL_OPEN || c->is_alone ||
			c->in_hand >= most ||
			(yields && c->served >= p->limits.quantum))
			continue;
		if (best == NULL || c->in_hand < best->in_hand)
			best = c;
	}
	return best;
}

/* An open channel with nothing to do, of a destination with nothing in line,
 * idle for longest. */
static struct channel *
idle_channel(enum pool_kind pool)
{
	struct channel *best = NULL;

	for (struct channel *c = channel_pools[pool].first; c != NULL;
		c = c->after)
		if (c->state == CHANNEL_OPEN && c->in_hand == 0 &&
			c->to->first == NULL &&
			(best == NULL || c->since_ms < best->since_ms))
			best = c;
	return best;
}

static bool
is_suspect(struct destination const *d)
{
	return d->failures > 0 || d->first->m->q.attempts > 0;
}

/* A place for one more channel in the pool; an idle one gives way. What has
 * failed before gets three quarters of them. */
static bool
has_place(struct destination const *d)
{
	struct channel_pool *c = &channel_pools[d->pool];
	unsigned limit = pool_of(d)->limits.channels;

	if (is_suspect(d) && c->suspects >= limit - limit / 4)
		return false;
	if (c->count < limit)
		return true;
	struct channel *idle = idle_channel(d->pool);
	if (idle == NULL)
		return false;
	channel_close(idle);
	return true;
}

static unsigned
window(struct destination *d)
{
	unsigned most = pool_of(d)->limits.per_destination;

	if (d->window == 0)
		d->window = WINDOW_FIRST;
	if (d->window > most)
		d->window = most;
	return d->window;
}

enum step { STEP_ON, STEP_STARVED, STEP_WAITS };

static enum step
send_on(struct destination *d, struct channel *c)
{
	struct delivery *job = destination_shift(d);

	if (!channel_send(c, job)) {
		/* A report, or the end of the pair, wakes it again. */
		destination_prepend(d, job);
		return STEP_WAITS;
	}
	pool_of(d)->waiting--;
	pool_of(d)->in_hand++;
	return STEP_ON;
}

/* One job sent or one channel asked, if it can be. */
static enum step
step(struct destination *d)
{
	struct channel *c;
	bool starves = false;

	if (d->first == NULL)
		return STEP_WAITS;
	c = free_channel(d);
	if (c != NULL && c->in_hand == 0)
		return send_on(d, c);
	if (d->channel_count < window(d) && d->asking < d->waiting) {
		if (!has_place(d))
			starves = true;
		else if (channel_ask(d, is_suspect(d)) != NULL)
			return STEP_ON;
	}
	if (c != NULL)
		return send_on(d, c);
	return starves ? STEP_STARVED : STEP_WAITS;
}

static void
go(struct pool *p, struct destination *d)
{
	switch (step(d)) {
	case STEP_ON:
		if (d->ring == RING_NONE && d->first != NULL)
			ring_push(&p->ready, d, RING_READY);
		break;
	case STEP_STARVED:
		if (d->ring == RING_NONE)
			ring_push(&p->starved, d, RING_STARVED);
		break;
	case STEP_WAITS:
		break;
	}
}

static void
run_pool(enum pool_kind kind)
{
	struct pool *p = &pools[kind];
	struct channel_pool *c = &channel_pools[kind];

	/* First who starves, as far as there are places. */
	for (size_t n = p->starved.count; n > 0; n--) {
		if (c->count >= p->limits.channels &&
			idle_channel(kind) == NULL)
			break;
		struct destination *d = p->starved.first;
		ring_remove(&p->starved, d);
		go(p, d);
	}
	while (p->ready.first != NULL) {
		struct destination *d = p->ready.first;
		ring_remove(&p->ready, d);
		go(p, d);
	}
}

void
deliveries_run(void)
{
	for (int i = 0; i < POOLS && !is_stopped; i++)
		run_pool((enum pool_kind)i);
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
		d->window = window(d) + 1;
		return;
	}
	/* Where other messages get through, the trouble is the message's. */
	if (c->succeeded)
		return;
	d->window = window(d) / 2 + window(d) % 2;
	if (++d->failures < FAILURES_HOLD)
		return;
	/* The next try after the hold is one, and decides. */
	d->failures = FAILURES_HOLD - 1;
	d->window = 1;
	hold(d, text, len);
}

/* An idle channel, or one that has had its share, yields to who starves. */
static void
yield(struct channel *c)
{
	struct pool *p = pool_of(c->to);

	if (c->in_hand == 0 && p->starved.count > 0 &&
		(c->to->first == NULL || c->served >= p->limits.quantum))
		channel_close(c);
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
	yield(c);
	wake(d);
}

static void
on_opened(struct channel *c)
{
	c->to->laters = 0;
	wake(c->to);
}

static void
on_refused(struct channel *c, enum job_opened answer)
{
	static char const unknown[] = "5.1.1 no such mailbox or destination";
	static char const later[] = "4.3.2 no process could be started for it";
	struct destination *d = c->to;

	if (answer == JOB_UNKNOWN) {
		leave_ring(d);
		answer_line(d, JOB_FAILED, unknown, sizeof unknown - 1);
		unpark_all(d, 0);
	} else if (++d->laters > LATERS_MAX) {
		d->laters = 0;
		leave_ring(d);
		answer_line(d, JOB_RETRY, later, sizeof later - 1);
		unpark_all(d, 60);
	} else if (d->first != NULL && d->channel_count == 1) {
		leave_ring(d);
		ring_push(&pool_of(d)->paused, d, RING_PAUSED);
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
	wake(d);
}

void
deliveries_init(struct deliveries_events const *e,
	struct deliveries_limits const limits[POOLS])
{
	static struct channel_events const mine = {.opened = on_opened,
		.refused = on_refused,
		.reported = on_reported,
		.ended = on_ended};

	events = *e;
	for (int i = 0; i < POOLS; i++)
		pools[i].limits = limits[i];
	channel_init(&mine);
}

static void
tick_channels(enum pool_kind kind, uint64_t now)
{
	struct deliveries_limits const *limits = &pools[kind].limits;
	struct channel *c, *after;

	for (c = channel_pools[kind].first; c != NULL; c = after) {
		uint64_t silent = now - c->since_ms;
		after = c->after;
		if (c->state != CHANNEL_OPEN)
			continue;
		if (c->in_hand == 0 && silent >= limits->idle_ms) {
			struct destination *d = c->to;
			channel_close(c);
			wake(d);
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
		struct pool *p = &pools[i];
		tick_channels((enum pool_kind)i, now);
		while (p->paused.first != NULL) {
			struct destination *d = p->paused.first;
			ring_remove(&p->paused, d);
			wake(d);
		}
		channel_ask_wanted((enum pool_kind)i);
	}
	destination_purge(now);
}

bool
deliveries_are_busy(void)
{
	return destination_count() > 0;
}

void
deliveries_stop(void)
{
	is_stopped = true;
}

unsigned
deliveries_in_hand(void)
{
	return pools[POOL_LOCAL].in_hand + pools[POOL_REMOTE].in_hand;
}

size_t
deliveries_waiting(enum pool_kind pool)
{
	return pools[pool].waiting;
}
