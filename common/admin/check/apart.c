/* An examination in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/privilege.h"
#include "common/admin/check/apart.h"

#define MEMORY ((size_t)128 << 20)
/* What one child may report: a folder of 100,000 torn files is one fault. */
#define FINDINGS_MAX 200

/* A whole finding; 0: the end, -1: time is up. */
static int
read_finding(int fd, struct finding *f, int64_t deadline)
{
	char *at = (char *)f;
	size_t have = 0;

	while (have < sizeof *f) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - stream_clock_ms();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;
		ssize_t got;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		got = read(fd, at + have, sizeof *f - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		have += (size_t)got;
	}
	return 1;
}

static void
listen_to(struct doctor *d, int fd, pid_t pid, int seconds)
{
	int64_t deadline = stream_clock_ms() + (int64_t)seconds * 1000;
	struct finding f;
	unsigned told = 0;
	int got, status = 0;

	while ((got = read_finding(fd, &f, deadline)) > 0)
		if (told++ < FINDINGS_MAX)
			doctor_take(d, &f);
	if (got < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got < 0)
		doctor_find(d, FIND_UNEXAMINED, 0, d->section,
			"it took too long", NULL, NULL);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		doctor_find(d, FIND_UNEXAMINED, 0, d->section,
			WIFEXITED(status) ? "it failed" : "it crashed", NULL,
			NULL);
}

void
apart_run(struct doctor *d, uid_t uid, gid_t gid,
	void (*examine)(struct doctor *d, void *data), void *data, int seconds)
{
	pid_t const parent = getpid();
	int ends[2];
	pid_t pid;

	/* What is buffered would be printed twice. */
	fflush(d->printer.out);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		doctor_find(d, FIND_UNEXAMINED, 0, d->section, strerror(errno),
			NULL, NULL);
		return;
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		d->report_fd = ends[1];
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
			getppid() != parent ||
			(uid != 0 && !privilege_drop(uid, gid)) ||
			prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			_exit(111);
		examine(d, data);
		_exit(0);
	}
	close(ends[1]);
	if (pid > 0)
		listen_to(d, ends[0], pid, seconds);
	else
		doctor_find(d, FIND_UNEXAMINED, 0, d->section, strerror(errno),
			NULL, NULL);
	close(ends[0]);
}

void
apart_run_as(struct doctor *d, char const *account,
	void (*examine)(struct doctor *d, void *data), void *data, int seconds)
{
	struct account a;

	if (values_account(&d->config.values, account, &a) && a.uid != 0)
		apart_run(d, a.uid, a.gid, examine, data, seconds);
	else
		doctor_find(d, FIND_UNEXAMINED, 0, d->section,
			"its account is missing", NULL, NULL);
}

void
apart_confine(void)
{
	static struct sandbox const sandbox = {.filter = SANDBOX_REMOTE,
		.memory = MEMORY,
		.may_write = true,
		.may_connect = true};

	char const *missing;

	/* What the kernel lacks is told by kernel.c. */
	if (sandbox_enter(&sandbox, &missing) != NULL)
		_exit(111);
}

bool
apart_connect(struct stream *s, struct sockaddr const *address, unsigned len,
	int timeout_ms)
{
	int fd = socket(address->sa_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof error;

	if (fd < 0)
		return false;
	if (connect(fd, address, len) < 0) {
		error = errno;
		if (error == EINPROGRESS) {
			int n = poll(&p, 1, timeout_ms);
			error = n == 0 ? ETIMEDOUT : n < 0 ? errno : 0;
			if (n > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR,
					     &error, &size) < 0)
				error = errno;
		}
	}
	if (error != 0) {
		close(fd);
		errno = error;
		return false;
	}
	stream_init(s, fd, fd, timeout_ms);
	return true;
}
