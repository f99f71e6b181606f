/* The process that has messages encrypted for a delivery. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/pair.h"
#include "common/proglimits.h"
#include "local/locker.h"

#define PROGRAM "mime-crypt"
/* A message of 50 MB is in memory several times. */
#define MEMORY_MAX ((rlim_t)1024 * 1024 * 1024)
#define RESULT_MAX ((rlim_t)512 * 1024 * 1024)
#define FILES_MAX 64
#define NOT_STARTED 127

/* What is to be executed: beside this program. */
static char path[PATH_MAX];

/* What it needs for itself is put into the maildir's tmp. */
static char place[PATH_MAX + 16] = "TMPDIR=";

static bool
find_place(void)
{
	size_t const len = strlen(place);

	if (getcwd(place + len, PATH_MAX) == NULL)
		return false;
	memcpy(place + strlen(place), "/tmp", 5);
	return true;
}

static bool
find_program(void)
{
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;
	size_t room;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return false;
	room = sizeof path - (size_t)(slash + 1 - path);
	return room > sizeof PROGRAM &&
	       snprintf(slash + 1, room, "%s", PROGRAM) > 0;
}

static bool
enter_limits(rlim_t cpu_seconds)
{
	return proglimits_enter(&(struct proglimits){.memory = MEMORY_MAX,
		       .file_size = RESULT_MAX,
		       .files = FILES_MAX,
		       .cpu_seconds = cpu_seconds}) &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

static _Noreturn void
become(char const *key, int const fds[LOCKER_FILES], pid_t parent)
{
	char const *const argv[] = {PROGRAM, "encrypt", "-T", key, NULL};
	char const *const env[] = {
		"PATH=/usr/bin:/bin", "LC_ALL=C", place, NULL};
	sigset_t none;

	sigemptyset(&none);
	/* A session: all of it can be killed. What it was given lies above 2:
	 * 0 to 2 are taken. */
	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
		getppid() != parent || !enter_limits(LOCKER_SECONDS) ||
		sigprocmask(SIG_SETMASK, &none, NULL) < 0 ||
		dup2(fds[LOCKER_CLEAR], 0) < 0 ||
		dup2(fds[LOCKER_OUT], 1) < 0 || dup2(fds[LOCKER_SAID], 2) < 0)
		_exit(NOT_STARTED);
	execve(path, (char *const *)(uintptr_t)argv,
		(char *const *)(uintptr_t)env);
	_exit(NOT_STARTED);
}

static time_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* SIGCHLD is blocked. False: it took too long, and was killed. */
static bool
wait_for_end(pid_t pid, int *status)
{
	time_t const end = now() + LOCKER_SECONDS;
	struct timespec const second = {.tv_sec = 1};
	sigset_t set;
	pid_t r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while ((r = waitpid(pid, status, WNOHANG)) == 0 && now() < end)
		(void)sigtimedwait(&set, NULL, &second);
	if (r != 0)
		return r == pid;
	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return false;
}

/* The first line of what was said, without who said it. */
static size_t
read_reason(int fd, char *s, size_t max)
{
	static char const fatal[] = ": fatal: ";
	ssize_t n = pread(fd, s, max - 1, 0);
	size_t len;
	char *line;

	s[n > 0 ? n : 0] = '\0';
	line = strstr(s, fatal);
	line = line != NULL ? line + sizeof fatal - 1 : s;
	len = strcspn(line, "\n");
	memmove(s, line, len);
	return len;
}

static size_t
tell(char answer[LOCKER_ANSWER_MAX], char const *why)
{
	return (size_t)snprintf(answer, LOCKER_ANSWER_MAX, "-%s", why);
}

/* The length of the answer. */
static size_t
serve(char const *key, int const fds[LOCKER_FILES],
	char answer[LOCKER_ANSWER_MAX])
{
	pid_t const self = getpid();
	pid_t pid = fork();
	int status = 0;
	size_t len;

	if (pid == 0)
		become(key, fds, self);
	if (pid < 0)
		return tell(answer, "no process could be started");
	if (!wait_for_end(pid, &status))
		return tell(answer, PROGRAM " took too long");
	if (WIFSIGNALED(status))
		return tell(answer, PROGRAM " was killed");
	if (WEXITSTATUS(status) == NOT_STARTED)
		return tell(answer, PROGRAM " can't be started");
	answer[0] = WEXITSTATUS(status) == 0 ? '+' : '-';
	if (answer[0] == '+')
		return 1;
	len = read_reason(fds[LOCKER_SAID], answer + 1, LOCKER_ANSWER_MAX - 1);
	return len > 0 ? 1 + len : tell(answer, PROGRAM " failed");
}

static _Noreturn void
run(char const *key, int pair_fd, pid_t parent)
{
	char answer[LOCKER_ANSWER_MAX], frame[1];
	int fds[LOCKER_FILES];
	size_t count, len;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		(pair_fd > 3 && close_range(3, (unsigned)pair_fd - 1, 0) < 0) ||
		close_range((unsigned)pair_fd + 1, ~0U, 0) < 0 ||
		!find_program() || !find_place() || !enter_limits(0) ||
		sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		_exit(111);
	for (;;) {
		count = 0;
		if (pair_receive(pair_fd, frame, sizeof frame, fds,
			    LOCKER_FILES, &count) <= 0 ||
			count != LOCKER_FILES)
			_exit(0);
		len = serve(key, fds, answer);
		while (count > 0)
			close(fds[--count]);
		if (!pair_send(pair_fd, answer, len, NULL, 0))
			_exit(0);
	}
}

int
locker_start(char const *key)
{
	pid_t const self = getpid();
	int ends[2];
	pid_t pid;

	if (!pair_make(ends, false))
		return -1;
	pid = fork();
	if (pid == 0)
		run(key, ends[1], self);
	return pair_keep(ends, pid > 0);
}
