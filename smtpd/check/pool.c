/* Who looks at which message: the sessions and workers of check. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "smtpd/check/pool.h"
#include "smtpd/checking.h"

/* Idle workers beyond KEEP go home after so many seconds. */
#define IDLE_S 20
#define KEEP 1
/* How often to look for those who are too slow, or have nothing to do. */
#define LOOK_MS 1000

static time_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

void
pool_init(struct pool *p, int (*work)(void *data, int control_fd), void *data)
{
	*p = (struct pool){.work = work, .data = data};
	for (size_t i = 0; i < POOL_SESSIONS_MAX; i++)
		p->sessions[i] = -1;
}

bool
pool_add(struct pool *p, int pair)
{
	for (size_t i = 0; i < POOL_SESSIONS_MAX; i++)
		if (p->sessions[i] < 0) {
			p->sessions[i] = pair;
			p->is_busy[i] = false;
			p->numbers[i] = ++p->last_number;
			if (i >= p->session_top)
				p->session_top = i + 1;
			return true;
		}
	return false;
}

void
pool_leave(struct pool const *p)
{
	for (size_t i = 0; i < p->session_top; i++)
		if (p->sessions[i] >= 0)
			close(p->sessions[i]);
	for (size_t i = 0; i < p->worker_top; i++)
		if (p->workers[i].pid > 0)
			close(p->workers[i].fd);
}

static void
end_session(struct pool *p, size_t i)
{
	/* Its worker is of no use to others. */
	for (size_t k = 0; k < p->worker_top; k++)
		if (p->workers[k].number == p->numbers[i])
			p->workers[k].messages = UINT_MAX;
	close(p->sessions[i]);
	p->sessions[i] = -1;
	while (p->session_top > 0 && p->sessions[p->session_top - 1] < 0)
		p->session_top--;
}

/* The worker has ended, or is to end at once: an idle one has nothing to lose,
 * and whoever has taken one over is not asked whether it wants to go. */
static void
bury(struct pool *p, struct pool_worker *w)
{
	struct log_line line;
	int status = 0;

	close(w->fd);
	/* It may have closed its end and stayed. */
	(void)kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	if (w->session >= 0 ||
		(WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)) {
		log_begin(&line, "died", NULL);
		if (WIFSIGNALED(status))
			log_number(&line, "signal", (uint64_t)WTERMSIG(status));
		else
			log_number(
				&line, "code", (uint64_t)WEXITSTATUS(status));
		log_end(&line);
	}
	w->pid = 0;
	while (p->worker_top > 0 && p->workers[p->worker_top - 1].pid == 0)
		p->worker_top--;
}

/* 451 for the message that a worker has died with. Whoever does not read its
 * answers gets none. */
static bool
put_off(int pair)
{
	struct checking_verdict later = {.action = CHECKING_TEMPFAIL,
		.code = 451,
		.text = {"4.3.0 the message could not be checked", 38}};
	char frame[512], end = CHECKING_END;
	size_t len = checking_verdict_encode(frame, sizeof frame, &later);
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	return len > 0 && send(pair, frame, len, flags) == (ssize_t)len &&
	       send(pair, &end, 1, flags) == 1;
}

static void
hear_worker(struct pool *p, struct pool_worker *w)
{
	int session = w->session;
	char octet;
	ssize_t n;

	do
		n = recv(w->fd, &octet, 1, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n != 1) {
		bury(p, w);
		octet = session >= 0 && put_off(p->sessions[session])
				? POOL_GOES_ON
				: POOL_IS_OVER;
	}
	w->session = -1;
	w->since = now();
	if (session < 0)
		return;
	p->is_busy[session] = false;
	if (octet != POOL_GOES_ON)
		end_session(p, (size_t)session);
}

static struct pool_worker *
hire(struct pool *p)
{
	size_t max = p->workers_max < POOL_WORKERS_MAX ? p->workers_max
						       : POOL_WORKERS_MAX;
	struct pool_worker *w = NULL;
	int ends[2];

	for (size_t i = 0; i < max && w == NULL; i++)
		if (p->workers[i].pid == 0)
			w = &p->workers[i];
	for (size_t i = 0; i < max && w == NULL; i++)
		if (p->workers[i].session < 0) {
			w = &p->workers[i];
			bury(p, w);
		}
	if (w == NULL || !pair_make(ends, false))
		return NULL;
	w->pid = fork();
	if (w->pid == 0) {
		close(ends[0]);
		pool_leave(p);
		_exit(p->work(p->data, ends[1]));
	}
	close(ends[1]);
	if (w->pid < 0) {
		log_error("no-process", NULL, (char *)0);
		close(ends[0]);
		w->pid = 0;
		return NULL;
	}
	*w = (struct pool_worker){.pid = w->pid,
		.fd = ends[0],
		.session = -1,
		.generation = p->generation,
		.since = now()};
	if ((size_t)(w - p->workers) >= p->worker_top)
		p->worker_top = (size_t)(w - p->workers) + 1;
	return w;
}

/* The session's own, if it may go on. */
static struct pool_worker *
own(struct pool *p, size_t session)
{
	for (size_t i = 0; i < p->worker_top; i++) {
		struct pool_worker *w = &p->workers[i];

		if (w->pid > 0 && w->session < 0 &&
			w->number == p->numbers[session] &&
			w->generation == p->generation &&
			w->messages < p->messages_max)
			return w;
	}
	return NULL;
}

/* False: it has to wait. */
static bool
serve(struct pool *p, size_t session)
{
	for (;;) {
		struct pool_worker *w = own(p, session);
		int fd = p->sessions[session];

		if (w == NULL)
			w = hire(p);
		if (w == NULL)
			return false;
		if (pair_send(w->fd, "m", 1, &fd, 1)) {
			w->session = (int)session;
			w->number = p->numbers[session];
			w->since = now();
			w->messages++;
			p->is_busy[session] = true;
			return true;
		}
		bury(p, w);
	}
}

/* Whether the other end has gone. (Nothing is taken off the pair.) */
static bool
is_over(int pair)
{
	char octet;

	return recv(pair, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void
pool_renew(struct pool *p)
{
	p->generation++;
}

static void
clean(struct pool *p)
{
	time_t t = now();
	size_t kept = 0;

	for (size_t i = 0; i < p->worker_top; i++) {
		struct pool_worker *w = &p->workers[i];

		if (w->pid == 0)
			continue;
		if (w->session >= 0) {
			/* What is heard then is its end. */
			if (t - w->since > p->busy_max)
				(void)kill(w->pid, SIGKILL);
		} else if (w->generation != p->generation ||
			   w->messages >= p->messages_max ||
			   (kept >= KEEP && t - w->since > IDLE_S)) {
			bury(p, w);
		} else {
			kept++;
		}
	}
}

size_t
pool_polls(struct pool *p, struct pollfd *polls, int *timeout_ms)
{
	bool can_serve = false;
	size_t n = 0;

	clean(p);
	for (size_t i = 0;
		!can_serve && i < p->workers_max && i < POOL_WORKERS_MAX; i++)
		can_serve = p->workers[i].pid == 0 || p->workers[i].session < 0;
	for (size_t i = 0; i < p->worker_top; i++)
		if (p->workers[i].pid > 0) {
			polls[n++] = (struct pollfd){
				.fd = p->workers[i].fd, .events = POLLIN};
			if (*timeout_ms < 0 || *timeout_ms > LOOK_MS)
				*timeout_ms = LOOK_MS;
		}
	for (size_t i = 0; can_serve && i < p->session_top; i++)
		if (p->sessions[i] >= 0 && !p->is_busy[i])
			polls[n++] = (struct pollfd){
				.fd = p->sessions[i], .events = POLLIN};
	return n;
}

static bool
is_ready(struct pollfd const *polls, size_t count, size_t *at, int fd)
{
	/* In the order of pool_polls; none is left out. */
	for (size_t i = *at; i < count; i++)
		if (polls[i].fd == fd) {
			*at = i + 1;
			return polls[i].revents != 0;
		}
	return false;
}

void
pool_hear(struct pool *p, struct pollfd const *polls, size_t count)
{
	static bool ready[POOL_SESSIONS_MAX];
	size_t at = 0, top = p->worker_top;

	for (size_t i = 0; i < top; i++)
		if (p->workers[i].pid > 0 &&
			is_ready(polls, count, &at, p->workers[i].fd))
			hear_worker(p, &p->workers[i]);
	top = p->session_top;
	for (size_t i = 0; i < top; i++)
		ready[i] = p->sessions[i] >= 0 && !p->is_busy[i] &&
			   is_ready(polls, count, &at, p->sessions[i]);
	if (top == 0)
		return;
	/* Whoever came last begins another time. */
	p->turn = (p->turn + 1) % top;
	for (size_t k = 0; k < top; k++) {
		size_t i = (p->turn + k) % top;

		if (!ready[i])
			continue;
		if (is_over(p->sessions[i]))
			end_session(p, i);
		else if (!serve(p, i))
			return;
	}
}
