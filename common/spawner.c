/*
 * Opening channels for the manager: see spawner.h. In the local spawner root
 * runs this; it sees names and descriptors, never a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/spawner.h"

/* A manager that has ended is followed by another before that. */
#define ALONE_SECONDS 3

struct state {
	struct spawner const *spawner;
	int manager_fd; /* -1: none, the starter will send one */
	unsigned children;
	bool stopping;
	sigset_t open_mask; /* SIGCHLD let through, for ppoll and children */
};

static void
on_child(int signal_number)
{
	(void)signal_number;
}

static void
reap(struct state *st)
{
	int status;

	for (; waitpid(-1, &status, WNOHANG) > 0; st->children--)
		if (WIFSIGNALED(status))
			log_event("died", NULL, "role", "delivery", (char *)0);
}

static _Noreturn void
child(struct state const *st, struct job_open const *open, int channel_fd)
{
	struct spawner const *s = st->spawner;
	unsigned fd = (unsigned)channel_fd;

	if ((fd > 3 && close_range(3, fd - 1, 0) < 0) ||
		close_range(fd + 1, ~0U, 0) < 0 ||
		signal(SIGCHLD, SIG_DFL) == SIG_ERR ||
		sigprocmask(SIG_SETMASK, &st->open_mask, NULL) < 0)
		_exit(111);
	_exit(s->run(s->data, open->name, open->name_len, channel_fd));
}

/* Fork the process for a name. Its channel's other end, or -1. */
static int
start(struct state *st, struct job_open const *open)
{
	int ends[2];
	pid_t pid;

	if (!pair_make(ends, false))
		return -1;
	pid = fork();
	if (pid == 0)
		child(st, open, ends[1]);
	st->children += pid > 0;
	return pair_keep(ends, pid > 0);
}

/* A frame from the manager; false: it is not to be talked to any more. */
static bool
serve_manager(struct state *st)
{
	struct spawner const *s = st->spawner;
	char frame[JOB_ADDRESS_MAX + 16];
	enum job_opened answer = JOB_LATER;
	struct job_open open;
	int channel_fd = -1;
	ssize_t r;

	r = pair_receive(st->manager_fd, frame, sizeof frame, NULL, 0, NULL);
	if (r <= 0 || !job_open_decode(frame, (size_t)r, &open))
		return r < 0 && errno == EAGAIN;
	if (!st->stopping && st->children < s->children_max)
		answer = s->admit(s->data, open.name, open.name_len);
	if (answer == JOB_OPENED && (channel_fd = start(st, &open)) < 0)
		answer = JOB_LATER;
	/* The answer overwrites the name, which has served. */
	size_t len =
		job_opened_encode(frame, sizeof frame, open.channel, answer);
	bool sent = pair_send(
		st->manager_fd, frame, len, &channel_fd, channel_fd >= 0);
	if (channel_fd >= 0)
		close(channel_fd);
	return sent;
}

/* A frame from the starter; false: it is gone. */
static bool
serve_control(struct state *st, int control_fd)
{
	char frame[1];
	size_t count;
	int fd;
	ssize_t r;

	r = pair_receive(control_fd, frame, sizeof frame, &fd, 1, &count);
	if (r <= 0)
		return r < 0 && (errno == EAGAIN || errno == EMSGSIZE);
	alarm(0);
	st->stopping = st->stopping || frame[0] == 'q';
	if (count == 0)
		return true;
	/* Non-blocking: a manager that does not read must not hold the loop. */
	if (frame[0] != 'm' || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		close(fd);
		return true;
	}
	if (st->manager_fd >= 0)
		close(st->manager_fd);
	st->manager_fd = fd;
	return true;
}

/* The pair was lost. If the manager lives (it wanted for a descriptor, say),
 * the starter makes a new pair for a new spawner only: so SIGALRM ends this
 * one. */
static void
lose_manager(struct state *st)
{
	close(st->manager_fd);
	st->manager_fd = -1;
	if (!st->stopping)
		alarm(ALONE_SECONDS);
}

int
spawner_loop(struct spawner const *s, int control_fd)
{
	struct state st = {.spawner = s, .manager_fd = -1};
	struct sigaction action = {.sa_handler = on_child};
	struct pollfd fds[2] = {{.fd = control_fd, .events = POLLIN},
		{.fd = -1, .events = POLLIN}};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	if (sigaction(SIGCHLD, &action, NULL) < 0 ||
		sigprocmask(SIG_BLOCK, &blocked, &st.open_mask) < 0)
		return 111;
	for (; !st.stopping || st.children > 0; reap(&st)) {
		fds[1].fd = st.manager_fd;
		if (ppoll(fds, 2, NULL, &st.open_mask) < 0) {
			if (errno == EINTR)
				continue;
			return 111;
		}
		if (fds[0].revents != 0 && !serve_control(&st, control_fd))
			break;
		/* Of another manager than was polled for: no harm, EAGAIN. */
		if (fds[1].revents != 0 && !serve_manager(&st))
			lose_manager(&st);
	}
	return 0;
}
