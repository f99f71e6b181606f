/*
 * spam-gather - brings what users teach to the common classifier
 *
 * Runs as root, for nothing but to become others: it reads the settings and the
 * users table, looks whether a teacher's folder of lessons has changed, and
 * forks two processes for it, one under the mailbox's uid that reads messages
 * (teacher.h) and one under check's that executes the classifier (pupil.h). A
 * pair joins these two; nothing of a message comes here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>
#include "common/lessons.h"
#include "common/log.h"
#include "common/namelist.h"
#include "common/pair.h"
#include "common/privilege.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/stop.h"
#include "common/user.h"
#include "local/pupil.h"
#include "local/teacher.h"

#define USAGE "spam-gather -t tables [-1] [-d notification-fd]"
#define PATH_LENGTH_MAX 4200
#define NAME_LENGTH_MAX 320
/* For one mailbox. */
#define VISIT_MS 300000
/* Rounds after which all are visited, whatever their folders say. */
#define WHOLE_ROUND 30
#define PERIOD_S 60

struct gather {
	int tables_fd;
	struct table settings, users;
	char const *teachers, *program, *state;
	uint64_t uid_min, uid_max, check_uid, day_max;
	unsigned round;
	time_t since; /* what has not changed since then needs no visit */
};

static bool
read_tables(struct gather *g)
{
	if (!table_refresh(&g->settings, g->tables_fd, "settings.cdb") ||
		!table_refresh(&g->users, g->tables_fd, "users.cdb"))
		return false;
	g->teachers = settings_text(&g->settings, "spam-teachers");
	g->program = settings_text(&g->settings, "classifier");
	g->state = settings_text(&g->settings, "state");
	g->uid_min = settings_number(&g->settings, "mailbox-uid-min", 1);
	g->uid_max = settings_number(&g->settings, "mailbox-uid-max", 0);
	g->check_uid = settings_number(&g->settings, "uid-check", 0);
	g->day_max = settings_number(&g->settings, "spam-teacher-limit", 0);
	return g->teachers != NULL && g->program != NULL && g->state != NULL &&
	       g->check_uid > 0;
}

/* Whether there may be something to fetch, or a folder is to be made. Who a
 * link leads astray here is only told to look once more. */
static bool
is_due(struct gather const *g, char const *home)
{
	char path[PATH_LENGTH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof path, "%s/" LESSONS_COMMON, home) >=
			sizeof path ||
		stat(home, &st) < 0)
		return false;
	return stat(path, &st) < 0 || st.st_mtime >= g->since;
}

/* In the child: nothing but the pair and standard error, and its own death with
 * the parent's. */
static void
begin(pid_t parent, int *pair_fd, uid_t uid)
{
	int fd = fcntl(*pair_fd, F_DUPFD_CLOEXEC, 10);
	sigset_t none;

	if (fd < 0 || close_range(3, (unsigned)fd - 1, 0) < 0 ||
		close_range((unsigned)fd + 1, ~0U, 0) < 0 ||
		!privilege_drop(uid, uid) ||
		prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(111);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	*pair_fd = fd;
}

static pid_t
fork_pupil(struct gather const *g, uid_t uid, char const *name, int fd)
{
	char folder[PATH_LENGTH_MAX];
	struct pupil const p = {.program = g->program,
		.folder = folder,
		.mailbox = name,
		.uid = uid,
		.day_max = (uint32_t)g->day_max};
	pid_t const self = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	snprintf(folder, sizeof folder, "%s/check", g->state);
	begin(self, &fd, (uid_t)g->check_uid);
	_exit(pupil_run(&p, fd));
}

static pid_t
fork_teacher(uid_t uid, char const *home, int fd)
{
	pid_t const self = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	begin(self, &fd, uid);
	_exit(teacher_run(home, fd));
}

/* Its end, or else its end by force. True: it says all is well. */
static bool
wait_for(pid_t pid, int ms)
{
	struct timespec const pause = {.tv_nsec = 2000000};
	int status = 0;

	if (pid < 0)
		return false;
	for (; ms > 0; ms -= 2) {
		pid_t const r = waitpid(pid, &status, WNOHANG);

		if (r == pid)
			return status == 0;
		if (r < 0 && errno != EINTR)
			return false;
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return false;
}

static bool
visit(struct gather const *g, char const *name, uid_t uid, char const *home)
{
	pid_t teacher, pupil;
	bool ok;
	int ends[2];

	if (!pair_make(ends, false)) {
		log_error("no-pair", NULL, (char *)0);
		return false;
	}
	pupil = fork_pupil(g, uid, name, ends[1]);
	teacher = pupil > 0 ? fork_teacher(uid, home, ends[0]) : -1;
	close(ends[0]);
	close(ends[1]);
	ok = wait_for(teacher, VISIT_MS);
	return wait_for(pupil, 1000) && ok;
}

/* Over all users who may teach. */
static void
go_round(struct gather *g)
{
	time_t const began = time(NULL);
	char name[NAME_LENGTH_MAX + 1];
	bool is_whole = g->round++ % WHOLE_ROUND == 0, ok = true;
	cdb_data key, data;
	uint32_t at;

	if (!read_tables(g)) {
		log_error("table-failed", NULL, (char *)0);
		return;
	}
	if (*g->teachers == '\0' || *g->program == '\0')
		return;
	if (is_whole)
		g->since = 0;
	cdb_traverse_init(&at);
	while (cdb_traverse_next(&g->users.map, &key, &data, &at) > 0) {
		char const *home;
		uid_t uid;

		if (key.len > NAME_LENGTH_MAX ||
			!namelist_holds(g->teachers, key.s, key.len))
			continue;
		memcpy(name, key.s, key.len);
		name[key.len] = '\0';
		if (user_find(&g->users, name, key.len, g->uid_min, g->uid_max,
			    &uid, &home) > 0 &&
			is_due(g, home))
			ok &= visit(g, name, uid, home);
	}
	/* A file system's clock may be coarser than ours. */
	if (ok)
		g->since = began - 2;
}

int
main(int argc, char const *const *argv)
{
	static struct gather g = {.settings = TABLE_ZERO, .users = TABLE_ZERO};
	struct sandbox const box = {.filter = SANDBOX_LOCAL_SPAWNER_GPG,
		.may_fork = true,
		.may_write = true};
	struct timespec const period = {.tv_sec = PERIOD_S};
	subgetopt l = SUBGETOPT_ZERO;
	char const *tables = NULL;
	unsigned ready_fd = 0;
	bool is_once = false;
	sigset_t before;
	int opt;

	PROG = "spam-gather";
	while ((opt = subgetopt_r(argc, argv, "t:d:1", &l)) != -1) {
		if (opt == 't')
			tables = l.arg;
		else if (opt == '1')
			is_once = true;
		else if (opt != 'd' || uint0_scan(l.arg, &ready_fd) == 0)
			strerr_dieusage(100, USAGE);
	}
	if (tables == NULL || argc != l.ind)
		strerr_dieusage(100, USAGE);
	log_open("spam-gather");
	g.tables_fd = open(tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g.tables_fd < 0 || !read_tables(&g))
		strerr_diefu2sys(111, "read the tables in ", tables);
	(void)sigprocmask(SIG_SETMASK, NULL, &before);
	stop_catch();
	sandbox_enter_as_root(&box);
	if (ready_fd > 0) {
		(void)!write((int)ready_fd, "\n", 1);
		close((int)ready_fd);
	}
	do
		go_round(&g);
	while (!is_once && ppoll(NULL, 0, &period, &before) == 0 &&
		!stop_asked);
	return 0;
}
