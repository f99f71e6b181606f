/* A front that waits, ready made, to be forked. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/monitor/front.h"
#include "common/monitor/request.h"
#include "common/monitor/template.h"

/* More than a monitor has places. */
#define CHILDREN_MAX 17000
/* The numbers that fronts get end below; our own begin here. */
#define OWN_FD 16

struct child {
	uint32_t ticket;
	pid_t pid;
};

static struct child children[CHILDREN_MAX];
static size_t child_count;
static unsigned forks;
static bool has_crashed;
static int control, program, signals;

static void
give_up(char const *what)
{
	log_error("failed", NULL, "what", what, (char *)0);
	_exit(111);
}

static void
tell_gone(uint32_t ticket)
{
	char frame[64];
	size_t len = template_encode(
		frame, sizeof frame, TEMPLATE_GONE, ticket, false, 0, "");
	struct pollfd p = {.fd = control, .events = POLLOUT};

	/* A monitor that never hears of it would keep the place for ever. */
	while (control >= 0 && !pair_send(control, frame, len, NULL, 0))
		if (errno != EAGAIN || poll(&p, 1, -1) < 0)
			return;
}

static void
bury(pid_t pid, int status)
{
	for (size_t i = 0; i < child_count; i++) {
		if (children[i].pid != pid)
			continue;
		tell_gone(children[i].ticket);
		children[i] = children[--child_count];
		break;
	}
	if (!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL ||
		WTERMSIG(status) == SIGTERM)
		return;
	has_crashed = true;
	log_event("crashed", NULL, "signal", strsignal(WTERMSIG(status)),
		(char *)0);
}

static void
reap(void)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(signals, &info, sizeof info) == sizeof info)
		continue;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		bury(pid, status);
}

static void
signal_child(uint32_t ticket, int signo)
{
	for (size_t i = 0; i < child_count; i++)
		if (children[i].ticket == ticket)
			(void)kill(children[i].pid, signo);
}

/* In the child: everything in its place, and nothing else. */
static int
become_front(char const *name, struct template_order const *o,
	int const fds[TEMPLATE_FDS], char const *const **argv_r)
{
	static int const places[TEMPLATE_FDS] = {0, FRONT_PAIR_FD,
		FRONT_CERTIFICATES_FD, FRONT_SETTINGS_FD, FRONT_RECIPIENTS_FD,
		FRONT_LOAD_FD};
	static char client[REQUEST_CLIENT_MAX + 1], port[UINT64_FMT];
	static char const *argv[] = {
		NULL, "-a", client, "-p", port, "-T", NULL};
	sigset_t none;

	sigemptyset(&none);
	(void)prctl(PR_SET_NAME, name);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		give_up("signals");
	for (size_t i = 0; i < TEMPLATE_FDS; i++)
		if (dup2(fds[i], places[i]) < 0)
			give_up("descriptors");
	if (dup2(fds[0], 1) < 0 || close_range(FRONT_LOAD_FD + 1, ~0U, 0) < 0)
		give_up("descriptors");
	memcpy(client, o->client, o->client_len);
	port[uint64_fmt(port, o->port)] = '\0';
	argv[0] = name;
	if (!o->implicit_tls)
		argv[5] = NULL;
	*argv_r = argv;
	return o->implicit_tls ? 6 : 5;
}

/* The number of arguments in the child, 0 in the template. */
static int
fork_front(char const *name, char const *busy, struct template_order const *o,
	int const fds[TEMPLATE_FDS], char const *const **argv_r)
{
	pid_t pid = child_count < CHILDREN_MAX ? fork() : -1;

	if (pid == 0)
		return become_front(name, o, fds, argv_r);
	forks++;
	if (pid > 0) {
		children[child_count++] =
			(struct child){.ticket = o->ticket, .pid = pid};
		return 0;
	}
	/* Short of memory or processes: not in silence. */
	log_error("no-front", NULL, (char *)0);
	if (!o->implicit_tls)
		(void)send(fds[0], busy, strlen(busy),
			MSG_DONTWAIT | MSG_NOSIGNAL);
	tell_gone(o->ticket);
	return 0;
}

/* As fork_front. */
static int
hear(char const *name, char const *busy, char const *const **argv_r)
{
	char frame[REQUEST_FRAME_MAX];
	struct template_order o;
	int fds[TEMPLATE_FDS], argc = 0;
	size_t count = 0;
	ssize_t n = pair_receive(
		control, frame, sizeof frame, fds, TEMPLATE_FDS, &count);

	if (n == 0) {
		/* The monitor is gone; its fronts may go on. */
		close(control);
		control = -1;
	}
	if (n <= 0)
		return 0;
	if (!template_decode(frame, (size_t)n, &o) ||
		(o.kind == TEMPLATE_FORK) != (count == TEMPLATE_FDS))
		give_up("order");
	if (o.kind == TEMPLATE_FORK)
		argc = fork_front(name, busy, &o, fds, argv_r);
	else
		signal_child(
			o.ticket, o.kind == TEMPLATE_KILL ? SIGKILL : SIGTERM);
	while (argc == 0 && count > 0)
		close(fds[--count]);
	return argc;
}

static int
keep(int fd)
{
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FD);

	close(fd);
	return kept;
}

/* New addresses, new canaries. Goes on as it is if it fails. */
static void
renew(char const *name)
{
	char const *argv[] = {name, NULL};
	char *const environment[] = {NULL};
	int file = memfd_create("children", 0);

	forks = 0;
	has_crashed = false;
	if (file >= 0 &&
		write(file, children, child_count * sizeof *children) ==
			(ssize_t)(child_count * sizeof *children) &&
		lseek(file, 0, SEEK_SET) == 0 &&
		dup2(file, TEMPLATE_CHILDREN_FD) >= 0 &&
		dup2(control, TEMPLATE_PAIR_FD) >= 0 &&
		dup2(program, TEMPLATE_PROGRAM_FD) >= 0)
		(void)execveat(program, "", (char *const *)(uintptr_t)argv,
			environment, AT_EMPTY_PATH);
	log_error("not-renewed", NULL, (char *)0);
	if (file >= 0)
		close(file);
}

static void
prepare(char const *name)
{
	sigset_t set;
	ssize_t n;

	log_open(name);
	/* For whoever looks at ps. */
	(void)prctl(PR_SET_NAME, "front-template");
	control = keep(TEMPLATE_PAIR_FD);
	program = keep(TEMPLATE_PROGRAM_FD);
	n = read(TEMPLATE_CHILDREN_FD, children, sizeof children);
	child_count = n < 0 ? 0 : (size_t)n / sizeof *children;
	/* What we get must not take a place that a front's will have. */
	for (int fd = TEMPLATE_PAIR_FD; fd <= FRONT_LOAD_FD; fd++)
		if ((fd != FRONT_TMP_FD && fd != FRONT_NEW_FD) ||
			fcntl(fd, F_GETFD) < 0)
			(void)dup2(0, fd);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		give_up("signals");
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (control < 0 || program < 0 || signals < 0 ||
		fcntl(control, F_SETFL, O_NONBLOCK) < 0)
		give_up("descriptors");
}

int
template_run(char const *name, char const *busy, char const *const **argv_r)
{
	int argc = 0;

	prepare(name);
	reap();
	while (argc == 0) {
		struct pollfd p[2] = {{.fd = control, .events = POLLIN},
			{.fd = signals, .events = POLLIN}};
		if (control < 0 && child_count == 0)
			_exit(0);
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			give_up("poll");
		if (p[1].revents != 0)
			reap();
		if (control >= 0 &&
			(has_crashed || forks >= TEMPLATE_FORKS_MAX))
			renew(name);
		if (p[0].revents != 0)
			argc = hear(name, busy, argv_r);
	}
	return argc;
}
