/* Which destination is served next, and by which channel. */
#include "queue/channel.h"
#include "queue/turns.h"

/* Channels that a remote destination may have before it has accepted any. */
#define WINDOW_FIRST 2

struct pool pools[POOLS];
static bool is_stopped;

static struct pool *
pool_of(struct destination const *d)
{
	return &pools[d->pool];
}

void
turns_init(struct pool_limits const limits[POOLS])
{
	for (int i = 0; i < POOLS; i++)
		pools[i].limits = limits[i];
}

void
turns_leave(struct destination *d)
{
	struct pool *p = pool_of(d);

	if (d->ring == RING_READY)
		ring_remove(&p->ready, d);
	else if (d->ring == RING_STARVED)
		ring_remove(&p->starved, d);
	else if (d->ring == RING_PAUSED)
		ring_remove(&p->paused, d);
}

void
turns_pause(struct destination *d)
{
	turns_leave(d);
	ring_push(&pool_of(d)->paused, d, RING_PAUSED);
}

void
turns_resume(void)
{
	for (int i = 0; i < POOLS; i++)
		while (pools[i].paused.first != NULL) {
			struct destination *d = pools[i].paused.first;
			ring_remove(&pools[i].paused, d);
			turns_wake(d);
		}
}

/* It yields as soon as somebody starves. */
static bool
has_had_share(struct channel const *c)
{
	return c->served >= pool_of(c->to)->limits.quantum;
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
			c->in_hand >= most || (yields && has_had_share(c)))
			continue;
		if (best == NULL || c->in_hand < best->in_hand)
			best = c;
	}
	return best;
}

/* An open channel with nothing to do, idle for longest: its destination has
 * nothing in line, or it has had its share. */
static struct channel *
idle_channel(enum pool_kind pool)
{
	struct channel *best = NULL;

	for (struct channel *c = channel_pools[pool].first; c != NULL;
		c = c->after)
		if (c->state == CHANNEL_OPEN && c->in_hand == 0 &&
			(c->to->first == NULL || has_had_share(c)) &&
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

unsigned
turns_window(struct destination *d)
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

void
turns_wake(struct destination *d)
{
	struct channel *c;

	if (d->first == NULL || is_stopped)
		return;
	if (d->ring == RING_NONE)
		ring_push(&pool_of(d)->ready, d, RING_READY);
	/* It starves for more channels, but must not let those stand idle that
	 * it has. */
	while (d->ring == RING_STARVED && d->first != NULL &&
		(c = free_channel(d)) != NULL)
		if (send_on(d, c) != STEP_ON)
			break;
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
	if (d->channel_count < turns_window(d) && d->asking < d->waiting) {
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
turns_run(void)
{
	for (int i = 0; i < POOLS && !is_stopped; i++)
		run_pool((enum pool_kind)i);
}

void
turns_yield(struct channel *c)
{
	struct pool *p = pool_of(c->to);

	if (c->in_hand == 0 && p->starved.count > 0 &&
		(c->to->first == NULL || has_had_share(c)))
		channel_close(c);
}

void
turns_stop(void)
{
	is_stopped = true;
}

bool
turns_are_stopped(void)
{
	return is_stopped;
}
