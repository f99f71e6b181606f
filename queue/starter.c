/*
 * starter - starts the queue manager, the spawners and the signer, and keeps
 * them going
 *
 * Runs as root, reads settings.cdb once and single octets from its children,
 * and writes nothing. Each child has a control pair on descriptor 3; when a
 * manager or a spawner is new, the pair between them is made here and passed
 * to both.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/privilege.h"
#include "common/sandbox.h"
#include "common/settings.h"

#define USAGE "starter -t tables [-d fd]"
#define STOP_SECONDS 35

enum { MANAGER, REMOTE, LOCAL, SIGNER, ROLES };
static struct role {
	char const *program, *account; /* account NULL: stays root */
	char frame;		       /* names its pair to the manager */
	uid_t uid;
	gid_t gid;
	pid_t pid; /* 0: not running */
	int control;
	time_t started;
} roles[ROLES] = {
	[MANAGER] = {.program = "manager", .account = "queue", .control = -1},
	[REMOTE] = {.program = "remote-spawner",
		.account = "remote",
		.frame = 'R',
		.control = -1},
	[LOCAL] = {.program = "local-spawner", .frame = 'L', .control = -1},
	[SIGNER] = {.program = "signer",
		.account = "sign",
		.frame = 'S',
		.control = -1},
};
/* By what deliveries execute, since the local spawner inherits it. */
static enum sandbox_filter const filters[] = {
	SANDBOX_STARTER, SANDBOX_STARTER_GPG, SANDBOX_NONE};
static char const *tables;
static int ready_fd = -1;

static time_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static _Noreturn void
become(struct role const *r, int control)
{
	char const *argv[] = {r->program, "-t", tables, NULL};
	sigset_t none;

	sigemptyset(&none);
	if (dup2(control, 3) < 0 || close_range(4, ~0U, 0) < 0 ||
		sigprocmask(SIG_SETMASK, &none, NULL) < 0 ||
		(r->account != NULL && !privilege_drop(r->uid, r->gid)) ||
		/* The manager sees the end of its control pair, and then still
		 * hears what was delivered; a spawner has nothing to finish. */
		(r->frame != 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0))
		_exit(111);
	execv(r->program, (char *const *)(uintptr_t)argv);
	log_error("exec-failed", NULL, "program", r->program, (char *)0);
	_exit(111);
}

/* A new pair between the manager and a spawner; if an end is not running, it
 * is made when that starts. */
static void
connect_spawner(struct role const *r)
{
	int ends[2];

	if (r->pid == 0 || roles[MANAGER].pid == 0 || !pair_make(ends, false))
		return;
	if (!pair_send(roles[MANAGER].control, &r->frame, 1, &ends[0], 1) ||
		!pair_send(r->control, "m", 1, &ends[1], 1))
		log_error("pair-failed", NULL, (char *)0);
	close(ends[0]);
	close(ends[1]);
}

static void
start(struct role *r)
{
	int ends[2];
	pid_t pid;

	r->started = now();
	if (!pair_make(ends, true)) {
		log_error("start-failed", NULL, (char *)0);
		return;
	}
	pid = fork();
	/* Descriptor 3 is free for a child: main saw to it. */
	if (pid == 0)
		become(r, ends[1]);
	r->control = pair_keep(ends, pid > 0);
	if (pid < 0) {
		log_error("start-failed", NULL, (char *)0);
		return;
	}
	r->pid = pid;
	for (int i = REMOTE; i < ROLES; i++)
		if (r == &roles[MANAGER] || r == &roles[i])
			connect_spawner(&roles[i]);
}

static void
reap(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (int i = 0; i < ROLES; i++)
			if (roles[i].pid == pid) {
				log_event("ended", NULL, "role",
					roles[i].program, (char *)0);
				close(roles[i].control);
				roles[i].control = -1;
				roles[i].pid = 0;
			}
}

/* A child speaks: the manager is ready. Its end is told by SIGCHLD. */
static void
hear(struct role *r)
{
	char frame[4];
	ssize_t n =
		pair_receive(r->control, frame, sizeof frame, NULL, 0, NULL);

	/* One that can't be told anything any more must not live on. */
	if (n == 0 && r->pid > 0)
		(void)kill(r->pid, SIGKILL);
	if (n != 1 || *frame != 'r' || r != &roles[MANAGER] || ready_fd < 0)
		return;
	(void)!write(ready_fd, "\n", 1);
	close(ready_fd);
	ready_fd = -1;
}

/* Waits for signals and children; true: stop. */
static bool
wait_for_events(int signal_fd, int timeout_ms)
{
	struct pollfd p[1 + ROLES] = {{.fd = signal_fd, .events = POLLIN}};
	struct signalfd_siginfo s;
	bool stop = false;

	for (int i = 0; i < ROLES; i++)
		p[1 + i] = (struct pollfd){
			.fd = roles[i].control, .events = POLLIN};
	if (poll(p, 1 + ROLES, timeout_ms) < 0)
		return false;
	for (int i = 0; i < ROLES; i++)
		if (p[1 + i].revents & POLLIN)
			hear(&roles[i]);
		else if (p[1 + i].revents)
			(void)poll(NULL, 0, 10); /* it is about to be reaped */
	while (read(signal_fd, &s, sizeof s) == sizeof s)
		stop = stop || s.ssi_signo != SIGCHLD;
	reap();
	return stop;
}

static bool
any_left(void)
{
	return roles[MANAGER].pid || roles[REMOTE].pid || roles[LOCAL].pid ||
	       roles[SIGNER].pid;
}

static void
stop(int signal_fd)
{
	time_t end = now() + STOP_SECONDS;

	for (int i = 0; i < ROLES; i++)
		if (roles[i].pid > 0 &&
			!pair_send(roles[i].control, "q", 1, NULL, 0))
			log_error("stop-failed", NULL, "role", roles[i].program,
				(char *)0);
	while (any_left() && now() < end)
		(void)wait_for_events(signal_fd, 1000);
	for (int i = 0; i < ROLES; i++)
		if (roles[i].pid > 0)
			(void)kill(roles[i].pid, SIGKILL);
}

static void
read_settings(struct sandbox *s)
{
	struct table t = TABLE_ZERO;
	char const *libexec;
	char key[32];
	int fd = open(tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !table_refresh(&t, fd, "settings.cdb"))
		strerr_diefu3sys(111, "read ", tables, "/settings.cdb");
	close(fd);
	for (int i = 0; i < ROLES; i++) {
		if (roles[i].account == NULL)
			continue;
		snprintf(key, sizeof key, "uid-%s", roles[i].account);
		roles[i].uid = (uid_t)settings_number(&t, key, 0);
		snprintf(key, sizeof key, "gid-%s", roles[i].account);
		roles[i].gid = (gid_t)settings_number(&t, key, roles[i].uid);
		if (roles[i].uid == 0 || roles[i].gid == 0)
			strerr_dief2x(100, "settings lack ", key);
	}
	if ((libexec = settings_text(&t, "libexec")) == NULL ||
		chdir(libexec) < 0)
		strerr_diefu1sys(111, "enter the programs' folder");
	s->filter = filters[settings_number(&t, "executes", 0) % 3];
	table_close(&t);
}

static int
block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
main(int argc, char const *const *argv)
{
	struct sandbox s = {
		.filter = SANDBOX_STARTER, .may_fork = true, .may_write = true};
	subgetopt l = SUBGETOPT_ZERO;
	int opt, signal_fd;

	PROG = "starter";
	while ((opt = subgetopt_r(argc, argv, "t:d:", &l)) != -1)
		if (opt == 't')
			tables = l.arg;
		else if (opt != 'd' || sscanf(l.arg, "%d", &ready_fd) != 1)
			strerr_dieusage(100, USAGE);
	if (tables == NULL || argc != l.ind)
		strerr_dieusage(100, USAGE);
	log_open("starter");
	read_settings(&s);
	/* 3 is the children's control descriptor: nothing of ours there. */
	while ((signal_fd = block_signals()) >= 0 && signal_fd <= 3)
		;
	if (signal_fd < 0)
		strerr_diefu1sys(111, "block signals");
	if (ready_fd >= 0 && fcntl(ready_fd, F_SETFD, FD_CLOEXEC) < 0)
		strerr_diefu1sys(100, "use the descriptor of -d");
	sandbox_enter_as_root(&s);
	for (;;) {
		for (int i = 0; i < ROLES; i++)
			if (roles[i].pid == 0 &&
				(roles[i].started == 0 ||
					now() > roles[i].started))
				start(&roles[i]);
		if (wait_for_events(signal_fd, any_left() ? 1000 : 200))
			break;
	}
	stop(signal_fd);
	return 0;
}
