/* Pairs to the processes that deliver. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "queue/channel.h"

struct channel_pool channel_pools[POOLS] = {
	[POOL_LOCAL] = {.spawner.fd = -1},
	[POOL_REMOTE] = {.spawner.fd = -1},
};
static struct channel_events events;
static uint32_t last_channel, last_job;
static char frame[WIRE_FRAME_MAX];

void
channel_init(struct channel_events const *e)
{
	events = *e;
}

static void
ask(struct channel_pool *pool, struct channel *c)
{
	struct job_open open = {.channel = c->number,
		.name = c->to->name,
		.name_len = c->to->name_len};
	size_t len = job_open_encode(frame, sizeof frame, &open);

	if (pool->spawner.fd < 0 || c->state != CHANNEL_WANTED ||
		!pair_send(pool->spawner.fd, frame, len, NULL, 0))
		return;
	c->state = CHANNEL_ASKED;
	pool->wanted--;
}

void
channel_ask_wanted(enum pool_kind kind)
{
	struct channel_pool *pool = &channel_pools[kind];

	for (struct channel *c = pool->first; c != NULL && pool->wanted > 0;
		c = c->after)
		ask(pool, c);
}

struct channel *
channel_ask(struct destination *to, bool is_suspect)
{
	struct channel_pool *pool = &channel_pools[to->pool];
	struct channel *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->source.fd = -1;
	c->number = ++last_channel;
	c->to = to;
	c->is_suspect = is_suspect;
	c->since_ms = loop_now_ms();
	c->next_here = to->channels;
	to->channels = c;
	to->channel_count++;
	to->asking++;
	c->before = pool->last;
	if (pool->last != NULL)
		pool->last->after = c;
	else
		pool->first = c;
	pool->last = c;
	pool->count++;
	pool->wanted++;
	pool->suspects += is_suspect;
	ask(pool, c);
	return c;
}

static void
unlink_channel(struct channel *c)
{
	struct channel_pool *pool = &channel_pools[c->to->pool];
	struct channel **at = &c->to->channels;

	while (*at != c)
		at = &(*at)->next_here;
	*at = c->next_here;
	c->to->channel_count--;
	if (c->before != NULL)
		c->before->after = c->after;
	else
		pool->first = c->after;
	if (c->after != NULL)
		c->after->before = c->before;
	else
		pool->last = c->before;
	pool->count--;
	pool->suspects -= c->is_suspect;
	c->to->asking -= c->state != CHANNEL_OPEN;
	pool->wanted -= c->state == CHANNEL_WANTED;
}

void
channel_close(struct channel *c)
{
	unlink_channel(c);
	loop_forget(&c->source);
	free(c);
}

static struct delivery *
take_sent(struct channel *c, uint32_t number)
{
	for (struct delivery **at = &c->sent; *at != NULL; at = &(*at)->next) {
		struct delivery *job = *at;
		if (job->number != number)
			continue;
		*at = job->next;
		job->next = NULL;
		c->in_hand--;
		return job;
	}
	return NULL;
}

/* False: the channel has ended. */
static bool
receive_report(struct channel *c)
{
	static struct job_report report;
	struct delivery *job;
	ssize_t n =
		pair_receive(c->source.fd, frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	job = job_report_decode(frame, (size_t)n, &report)
		      ? take_sent(c, report.number)
		      : NULL;
	if (job == NULL || report.result_count != job->count) {
		log_event(
			"bad-report", NULL, "channel", c->to->name, (char *)0);
		if (job != NULL) {
			job->next = c->sent;
			c->sent = job;
			c->in_hand++;
		}
		return false;
	}
	c->served++;
	c->since_ms = loop_now_ms();
	if (c->in_hand == 0)
		c->is_alone = false;
	events.reported(c, job, &report);
	return true;
}

static void
on_channel(void *data)
{
	struct channel *c = data;

	if (receive_report(c))
		return;
	loop_forget(&c->source);
	events.ended(c);
	channel_close(c);
}

static struct channel *
find_asked(struct channel_pool *pool, uint32_t number)
{
	for (struct channel *c = pool->first; c != NULL; c = c->after)
		if (c->number == number && c->state == CHANNEL_ASKED)
			return c;
	return NULL;
}

static bool
open_channel(struct channel *c, int fd)
{
	c->source =
		(struct loop_source){.ready = on_channel, .data = c, .fd = fd};
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || !loop_watch(&c->source))
		return false;
	c->state = CHANNEL_OPEN;
	c->to->asking--;
	c->since_ms = loop_now_ms();
	return true;
}

static void
refuse(struct channel *c, enum job_opened answer)
{
	events.refused(c, answer);
	channel_close(c);
}

static void
take_answer(struct channel_pool *pool, ssize_t n, int const *fds, size_t count)
{
	enum job_opened answer;
	uint32_t number;
	struct channel *c = NULL;

	if (job_opened_decode(frame, (size_t)n, &number, &answer))
		c = find_asked(pool, number);
	if (c == NULL || count != (answer == JOB_OPENED ? 1 : 0)) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		if (c != NULL)
			refuse(c, JOB_LATER);
		return;
	}
	if (answer != JOB_OPENED)
		refuse(c, answer);
	else if (open_channel(c, fds[0]))
		events.opened(c);
	else
		refuse(c, JOB_LATER);
}

/* What was asked over a pair that is gone must be asked again. */
static void
lose_spawner(struct channel_pool *pool)
{
	loop_forget(&pool->spawner);
	for (struct channel *c = pool->first; c != NULL; c = c->after)
		if (c->state == CHANNEL_ASKED) {
			c->state = CHANNEL_WANTED;
			pool->wanted++;
		}
}

static void
on_spawner(void *data)
{
	struct channel_pool *pool = data;

	/* Some at a time: a fork costs more than an answer. */
	for (int i = 0; i < 16; i++) {
		int fds[1];
		size_t count = 0;
		ssize_t n = pair_receive(
			pool->spawner.fd, frame, sizeof frame, fds, 1, &count);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			lose_spawner(pool);
			return;
		}
		take_answer(pool, n, fds, count);
	}
}

void
channel_set_spawner(enum pool_kind kind, int fd)
{
	struct channel_pool *pool = &channel_pools[kind];

	lose_spawner(pool);
	pool->spawner = (struct loop_source){
		.ready = on_spawner, .data = pool, .fd = fd};
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || !loop_watch(&pool->spawner)) {
		log_error("spawner-lost", NULL, (char *)0);
		loop_forget(&pool->spawner);
		return;
	}
	channel_ask_wanted(kind);
}

/* What a job has in front of the message, and as its sender. */
struct front {
	char sender[QUEUEFILE_ADDRESS_MAX + 1];
	char lines[JOB_LINES_MAX];
	size_t len;
};

static bool
append(struct front *f, char const *s, size_t len)
{
	if (len > sizeof f->lines - f->len)
		return false;
	memcpy(f->lines + f->len, s, len);
	f->len += len;
	return true;
}

/* Signatures are for other hosts, and so is another sender of what is
 * forwarded. A signature of this copy alone covers the fields that it has, and
 * stands above them. False: the lines are too long. */
static bool
make_front(struct front *f, struct job *j, struct delivery const *job,
	enum pool_kind pool)
{
	struct queued const *m = job->m;
	size_t one = job->recipients[0];
	struct queued_lines const *lines = NULL;
	char fields[VERP_FIELDS_MAX];
	size_t len = queued_unsubscribe(m, one, fields);

	f->len = 0;
	j->sender = f->sender;
	j->sender_len = queued_sender(m, one, f->sender);
	j->lines = f->lines;
	if (pool == POOL_REMOTE) {
		lines = len > 0 ? m->fates[one].lines : m->lines;
		if (m->forward_sender != NULL) {
			j->sender = m->forward_sender;
			j->sender_len = strlen(m->forward_sender);
		}
	}
	if (lines != NULL && lines->is_seven)
		j->flags |= JOB_SEVEN;
	if ((lines != NULL && !append(f, lines->s, lines->len)) ||
		!append(f, fields, len))
		return false;
	j->lines_len = f->len;
	return true;
}

static size_t
encode(struct delivery const *job, enum pool_kind pool)
{
	static struct job j;
	static struct front front;
	struct queuefile const *q = &job->m->q;

	j = (struct job){.number = job->number,
		.message_offset = q->message_offset,
		.message_len = q->message_len,
		.added_offset = q->added_offset,
		.added_len = q->added_len,
		.flags = q->flags & JOB_FLAGS,
		.priority = q->priority,
		.deliver_by = q->deliver_by,
		.by_mode = q->by_mode,
		.by_trace = q->by_trace,
		.ret = q->ret,
		.envid = q->envid,
		.envid_len = q->envid_len,
		.recipient_count = job->count};
	memcpy(j.id, q->id, sizeof j.id);
	for (size_t i = 0; i < job->count; i++) {
		struct queuefile_recipient const *to =
			&q->recipients[job->recipients[i]];
		char const *instead = job->m->fates[job->recipients[i]].instead;
		j.recipients[i] = (struct job_recipient){
			.address = instead != NULL ? instead : to->address,
			.address_len = instead != NULL ? strlen(instead)
						       : to->address_len,
			.notify = to->notify,
			.orcpt = to->orcpt,
			.orcpt_len = to->orcpt_len};
	}
	if (!make_front(&front, &j, job, pool))
		return 0;
	return job_encode(frame, sizeof frame, &j);
}

bool
channel_send(struct channel *c, struct delivery *job)
{
	struct delivery **end = &c->sent;
	size_t len;

	job->number = ++last_job;
	len = encode(job, c->to->pool);
	if (len == 0 || !pair_send(c->source.fd, frame, len, &job->m->fd, 1))
		return false;
	while (*end != NULL)
		end = &(*end)->next;
	job->next = NULL;
	*end = job;
	c->in_hand++;
	c->is_alone = c->is_alone || job->crashes > 0;
	c->since_ms = loop_now_ms();
	return true;
}

void
channel_leave_all(void)
{
	for (int i = 0; i < POOLS; i++) {
		if (channel_pools[i].spawner.fd >= 0)
			close(channel_pools[i].spawner.fd);
		for (struct channel *c = channel_pools[i].first; c != NULL;
			c = c->after)
			if (c->source.fd >= 0)
				close(c->source.fd);
	}
}
