/* The queue manager, started over what a cut left. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "queue/active.h"
#include "queue/channel.h"
#include "queue/folders.h"
#include "queue/helpers.h"
#include "queue/host.h"
#include "queue/loop.h"
#include "queue/progress.h"
#include "queue/scan.h"
#include "queue/turns.h"
#include "queue/waiting.h"
#include "tests/crash/recover.h"

#define ACTIVE_MAX 1000
/* Seconds: what is deferred is due by then. */
#define CLOCK_AHEAD 3000
#define SOURCES_MAX 512
#define TASKS_MAX 512

/* Our end of a pair: to the manager as a spawner, or as who delivers. */
struct end {
	struct loop_source source;
	enum pool_kind pool;
	char name[400]; /* of the mailbox or destination */
};

static recover_arrival *on_arrival;
static struct table const *all_settings;

/* The manager's loop, in place of queue/loop.c: its clock stands still. */

static struct loop_source *sources[SOURCES_MAX];
static struct pollfd polled[SOURCES_MAX];
static size_t source_count;
static uint64_t time_s;
static bool was_ready; /* something, at the last look */

bool
loop_watch(struct loop_source *s)
{
	if (source_count == SOURCES_MAX)
		return false;
	sources[source_count++] = s;
	return true;
}

void
loop_forget(struct loop_source *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	for (size_t i = 0; i < source_count; i++)
		if (sources[i] == s)
			sources[i] = NULL;
}

void
loop_wait(int timeout_ms)
{
	size_t count = 0;

	for (size_t i = 0; i < source_count; i++)
		if (sources[i] != NULL)
			sources[count++] = sources[i];
	source_count = count;
	for (size_t i = 0; i < count; i++)
		polled[i] = (struct pollfd){sources[i]->fd, POLLIN, 0};
	was_ready = poll(polled, count, timeout_ms) > 0;
	if (!was_ready)
		return;
	for (size_t i = 0; i < count; i++)
		if (polled[i].revents != 0 && sources[i] != NULL)
			sources[i]->ready(sources[i]->data);
}

uint64_t
loop_now_ms(void)
{
	return time_s * 1000;
}

uint64_t
loop_moved_ms(void)
{
	return time_s * 1000;
}

uint64_t
loop_time_us(void)
{
	return time_s * 1000000;
}

/* Its helpers, in place of queue/helpers.c: what they do is done at once. */

struct task {
	enum helper_task kind;
	struct queued *m;
	size_t recipient;
};
static struct task tasks[TASKS_MAX];
static size_t task_count;
static helper_work *do_work;
static helper_done *on_done;

void
helpers_init(helper_work *work, helper_done *done)
{
	do_work = work;
	on_done = done;
}

bool
helpers_add(enum helper_task kind, struct queued *m, size_t recipient)
{
	if (task_count == TASKS_MAX)
		return false;
	tasks[task_count++] = (struct task){kind, m, recipient};
	m->open++;
	return true;
}

void
helpers_run(void)
{
	while (task_count > 0) {
		struct task t = tasks[--task_count];
		enum helper_result r = do_work(t.kind, t.m, t.recipient);
		t.m->open--;
		on_done(t.kind, t.m, t.recipient, r);
	}
}

void
helpers_sync_now(void)
{
}

void
helpers_sync_later(int fd)
{
	close(fd);
}

size_t
helpers_pending(void)
{
	return task_count;
}

static struct end *
watch(enum pool_kind pool, int fd, void (*ready)(void *data))
{
	struct end *e = calloc(1, sizeof *e);

	if (e == NULL)
		abort();
	e->pool = pool;
	e->source = (struct loop_source){.ready = ready, .data = e, .fd = fd};
	if (!loop_watch(&e->source))
		abort();
	return e;
}

static char *
read_message(int fd, struct job const *job)
{
	char *s = malloc(job->message_len + 1);
	ssize_t n = pread(fd, s, job->message_len, (off_t)job->message_offset);

	if (n >= 0 && (uint64_t)n == job->message_len)
		return s;
	free(s);
	return NULL;
}

static void
serve(struct end *e, struct job const *job, int fd)
{
	static struct job_report r;
	static char frame[WIRE_FRAME_MAX];
	char *message = read_message(fd, job);

	r.number = job->number;
	r.result_count = job->recipient_count;
	for (size_t i = 0; i < job->recipient_count; i++) {
		bool is_local = e->pool == POOL_LOCAL;
		char const *address =
			is_local ? e->name : job->recipients[i].address;
		size_t len = is_local ? strlen(e->name)
				      : job->recipients[i].address_len;
		enum job_status status = on_arrival(is_local, address, len,
			job->sender_len == 0, message, job->message_len);
		char const *text = status == JOB_DONE ? "2.0.0 taken"
						      : "5.1.1 no such user";
		r.results[i] = (struct job_result){.status = status,
			.text = text,
			.text_len = strlen(text)};
	}
	free(message);
	if (!pair_send(e->source.fd, frame,
		    job_report_encode(frame, sizeof frame, &r), NULL, 0))
		abort();
}

static void
on_channel(void *data)
{
	static char frame[WIRE_FRAME_MAX];
	static struct job job;
	struct end *e = data;
	size_t count = 0;
	int fd;
	ssize_t n =
		pair_receive(e->source.fd, frame, sizeof frame, &fd, 1, &count);

	if (n <= 0) {
		loop_forget(&e->source);
		return;
	}
	if (count != 1 || !job_decode(frame, (size_t)n, &job))
		abort();
	serve(e, &job, fd);
	close(fd);
}

static void
on_spawner(void *data)
{
	char frame[2000];
	struct end *e = data, *channel;
	struct job_open open;
	int ends[2];
	ssize_t n =
		pair_receive(e->source.fd, frame, sizeof frame, NULL, 0, NULL);

	if (n <= 0 || !job_open_decode(frame, (size_t)n, &open) ||
		open.name_len >= sizeof channel->name || !pair_make(ends, true))
		abort();
	channel = watch(e->pool, ends[0], on_channel);
	memcpy(channel->name, open.name, open.name_len);
	if (!pair_send(e->source.fd, frame,
		    job_opened_encode(
			    frame, sizeof frame, open.channel, JOB_OPENED),
		    &ends[1], 1))
		abort();
	close(ends[1]);
}

static void
give_spawner(enum pool_kind pool)
{
	int ends[2];

	if (!pair_make(ends, true))
		abort();
	watch(pool, ends[0], on_spawner);
	channel_set_spawner(pool, ends[1]);
}

void
recover_init(int tables_fd, struct table const *settings)
{
	all_settings = settings;
	time_s = (uint64_t)time(NULL) + CLOCK_AHEAD;
	if (!host_open(tables_fd, settings)) {
		perror("tables");
		exit(2);
	}
	host_refresh();
}

bool
recover(char const *state, recover_arrival *arrival)
{
	bool more = true;
	unsigned idle = 0;

	on_arrival = arrival;
	log_open("manager");
	if (!folders_open(state))
		return false;
	progress_init(all_settings, ACTIVE_MAX);
	if (!scan_init())
		return false;
	for (int i = 0; i < POOLS; i++)
		give_spawner((enum pool_kind)i);
	/* What the last pass put into new is told by inotify in the next. */
	while (idle < 2) {
		loop_wait(more || was_ready ? 0 : 20);
		more = progress_run();
		more = scan_run() || more;
		turns_run();
		helpers_run();
		idle = more || was_ready || active_count() > 0 ||
				       waiting_has_any()
			       ? 0
			       : idle + 1;
	}
	return true;
}
