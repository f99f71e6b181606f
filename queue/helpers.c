/* Children that write for the manager. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/log.h"
#include "queue/channel.h"
#include "queue/helpers.h"
#include "queue/signing.h"
#include "queue/loop.h"

#define CHILDREN_MAX 4
#define TASKS_MAX 32  /* of one child */
#define MARKS_MAX 256 /* descriptors that wait for their sync */
#define MARKS_DELAY_MS 300
#define FORK_AGAIN_MS 1000

struct task {
	enum helper_task kind;
	struct queued *m;
	size_t recipient;
	struct task *next;
};

struct child {
	struct loop_source source; /* fd -1: no child here */
	struct task *tasks;	   /* not answered yet, in order */
};

static helper_work *do_work;
static helper_done *on_done;
static struct task *first, *last;
static size_t task_count;
static struct child children[CHILDREN_MAX];
static int marks[MARKS_MAX];
static unsigned mark_count;
static uint64_t marks_since_ms, fork_again_ms;

void
helpers_init(helper_work *work, helper_done *done)
{
	do_work = work;
	on_done = done;
	for (int i = 0; i < CHILDREN_MAX; i++)
		children[i].source.fd = -1;
}

bool
helpers_add(enum helper_task kind, struct queued *m, size_t recipient)
{
	struct task *t = malloc(sizeof *t);

	if (t == NULL)
		return false;
	*t = (struct task){.kind = kind, .m = m, .recipient = recipient};
	if (last != NULL)
		last->next = t;
	else
		first = t;
	last = t;
	task_count++;
	m->open++;
	return true;
}

static void
answer(struct child *c, enum helper_result result)
{
	struct task t = *c->tasks;

	free(c->tasks);
	c->tasks = t.next;
	task_count--;
	t.m->open--;
	on_done(t.kind, t.m, t.recipient, result);
}

static void
on_child(void *data)
{
	struct child *c = data;
	char results[TASKS_MAX];
	ssize_t n = read(c->source.fd, results, sizeof results);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	for (ssize_t i = 0; i < n && c->tasks != NULL; i++)
		answer(c, (enum helper_result)results[i]);
	if (n > 0)
		return;
	loop_forget(&c->source);
	/* It ended; what it did not tell may be done or not. */
	while (c->tasks != NULL)
		answer(c, HELPER_FAILED);
}

/* The child: marks first, which are quick; then the tasks. */
static _Noreturn void
work(struct task const *tasks, int out)
{
	channel_leave_all();
	signing_leave();
	for (unsigned i = 0; i < mark_count; i++)
		if (fdatasync(marks[i]) < 0)
			log_error("sync-failed", NULL, (char *)0);
	for (; tasks != NULL; tasks = tasks->next) {
		char result =
			(char)do_work(tasks->kind, tasks->m, tasks->recipient);
		if (write(out, &result, 1) != 1)
			_exit(111);
	}
	_exit(0);
}

static void
let_marks_go(void)
{
	while (mark_count > 0)
		close(marks[--mark_count]);
}

/* Takes tasks off the line. */
static struct task *
take_tasks(void)
{
	struct task *head = first, *t = first;

	for (int n = 1; t != NULL && t->next != NULL && n < TASKS_MAX; n++)
		t = t->next;
	if (t != NULL) {
		first = t->next;
		if (first == NULL)
			last = NULL;
		t->next = NULL;
	}
	return head;
}

static void
put_back(struct task *tasks)
{
	struct task *t = tasks;

	if (t == NULL)
		return;
	while (t->next != NULL)
		t = t->next;
	t->next = first;
	if (last == NULL)
		last = t;
	first = tasks;
}

static bool
start(struct child *c)
{
	struct task *tasks = take_tasks();
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		put_back(tasks);
		return false;
	}
	pid = fork();
	if (pid == 0)
		work(tasks, ends[1]);
	close(ends[1]);
	c->source = (struct loop_source){
		.ready = on_child, .data = c, .fd = ends[0]};
	if (pid < 0 || !loop_watch(&c->source)) {
		loop_forget(&c->source);
		put_back(tasks);
		return false;
	}
	c->tasks = tasks;
	let_marks_go();
	return true;
}

static void
run(bool syncs)
{
	if (loop_now_ms() < fork_again_ms)
		return;
	for (int i = 0; i < CHILDREN_MAX && (first != NULL || syncs); i++) {
		if (children[i].source.fd >= 0)
			continue;
		if (!start(&children[i])) {
			log_error("fork-failed", NULL, (char *)0);
			fork_again_ms = loop_now_ms() + FORK_AGAIN_MS;
			return;
		}
		syncs = false;
	}
}

void
helpers_run(void)
{
	run(mark_count > 0 &&
		(mark_count == MARKS_MAX ||
			loop_now_ms() - marks_since_ms >= MARKS_DELAY_MS));
}

void
helpers_sync_now(void)
{
	run(mark_count > 0);
}

void
helpers_sync_later(int fd)
{
	/* No child could be started for a while: an unsynced mark can but
	 * repeat a delivery. */
	if (mark_count == MARKS_MAX)
		let_marks_go();
	if (mark_count == 0)
		marks_since_ms = loop_now_ms();
	marks[mark_count++] = fd;
}

size_t
helpers_pending(void)
{
	return task_count + mark_count;
}
