/* What runs, and as whom. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/admin/service.h"
#include "common/admin/check/processes.h"

/* A child that has just been forked is not yet who it will be. */
#define LOOKS 4
#define PAUSE_US 60000

#define SERVICES_MAX 32

/* What does nothing unless a setting says so: then it must run. */
static struct {
	char const *service, *setting;
} const needed[] = {{"check", "check"}, {"check", "check-login"},
	{"policy", "policy"}, {"sts", "sts"}};

static char const *const queue_parts[] = {
	"manager", "remote-spawner", "local-spawner", "signer"};

extern char **environ;

struct state {
	bool is_supervised, is_up, is_ready;
	pid_t pid;
	char words[100]; /* of s6-svstat */
	/* While it runs. */
	pid_t asked;
	int answer_fd;
};

/* s6 knows how it keeps the state of a service. All are asked at once. */
static void
ask(struct state *s, char const *path)
{
	char const *const argv[] = {
		"s6-svstat", "-o", "up,ready,pid", path, NULL};
	posix_spawn_file_actions_t actions;
	/* posix_spawn takes pointers to what it does not change. */
	union {
		char const *const *in;
		char *const *out;
	} args = {.in = argv};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	if (posix_spawn_file_actions_init(&actions) != 0 ||
		posix_spawn_file_actions_adddup2(&actions, ends[1], 1) != 0 ||
		posix_spawn_file_actions_addopen(
			&actions, 2, "/dev/null", O_WRONLY, 0) != 0 ||
		posix_spawnp(&s->asked, argv[0], &actions, NULL, args.out,
			environ) != 0)
		s->asked = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	s->answer_fd = ends[0];
}

/* The first line that it says; false: it failed. */
static bool
answer(struct state *s)
{
	size_t len = 0;
	ssize_t n;
	int status = -1;

	if (s->asked <= 0)
		return false;
	while (len < sizeof s->words - 1 &&
		(n = read(s->answer_fd, s->words + len,
			 sizeof s->words - 1 - len)) > 0)
		len += (size_t)n;
	close(s->answer_fd);
	s->words[len] = '\0';
	s->words[strcspn(s->words, "\n")] = '\0';
	while (waitpid(s->asked, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
has_reader(char const *fifo)
{
	int fd = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
begin_look(struct state *s, char const *path)
{
	char control[600];

	*s = (struct state){.asked = -1};
	snprintf(control, sizeof control, "%s/supervise/control", path);
	if (has_reader(control))
		ask(s, path);
}

static void
end_look(struct state *s)
{
	char up[8], ready[8];
	long pid;

	if (!answer(s) || sscanf(s->words, "%7s %7s %ld", up, ready, &pid) != 3)
		return;
	s->is_supervised = true;
	s->is_up = strcmp(up, "true") == 0;
	s->is_ready = strcmp(ready, "true") == 0;
	s->pid = s->is_up ? (pid_t)pid : 0;
}

static char const *
setting_for(struct doctor const *d, char const *service)
{
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (strcmp(needed[i].service, service) == 0 &&
			*doctor_setting(d, needed[i].setting) == '1')
			return needed[i].setting;
	return NULL;
}

static void
note_down(struct doctor *d, char const *service)
{
	size_t len = strlen(d->down);

	snprintf(d->down + len, sizeof d->down - len, "%s%s ",
		len == 0 ? " " : "", service);
}

/* Just started, a service takes a moment to say that it is ready. */
static void
look_again(char const *path, struct state *s)
{
	for (int i = 0;
		i < LOOKS * 4 && s->is_supervised && !(s->is_up && s->is_ready);
		i++) {
		usleep(PAUSE_US);
		begin_look(s, path);
		end_look(s);
	}
}

static pid_t
one_service(
	struct doctor *d, char const *name, struct state *s, struct state *log)
{
	char path[512], file[512], scan[512];
	char const *setting = setting_for(d, name);
	bool is_off;

	doctor_service_path(d, name, "", path, sizeof path);
	doctor_service_path(d, name, "/down", file, sizeof file);
	snprintf(scan, sizeof scan, "%s/scan", d->state);
	is_off = access(file, F_OK) == 0;
	if (!is_off)
		look_again(path, s);
	if (!s->is_up)
		note_down(d, name);
	if (!s->is_supervised) {
		doctor_find(d, FIND_SERVICE_MISSING, 0, path, d->hostname, scan,
			NULL);
		return 0;
	}
	if (is_off && !s->is_up) {
		if (setting != NULL)
			doctor_find(d, FIND_SERVICE_OFF, 0, path, setting, NULL,
				NULL);
		return 0;
	}
	if (!s->is_up)
		doctor_find(
			d, FIND_SERVICE_DOWN, 0, path, s->words, NULL, NULL);
	else if (!s->is_ready)
		doctor_find(d, FIND_SERVICE_UNREADY, 0, path, name, NULL, NULL);
	doctor_service_path(d, name, "/log", path, sizeof path);
	look_again(path, log);
	if (!log->is_up)
		doctor_find(d, FIND_LOG_DOWN, 0, path, log->words, NULL, NULL);
	return s->pid;
}

static void
look_at_all(struct doctor *d, struct state (*all)[2])
{
	char path[512];

	for (size_t i = 0; service_name(i) != NULL && i < SERVICES_MAX; i++)
		for (size_t j = 0; j < 2; j++) {
			doctor_service_path(d, service_name(i),
				j == 0 ? "" : "/log", path, sizeof path);
			begin_look(&all[i][j], path);
		}
	for (size_t i = 0; service_name(i) != NULL && i < SERVICES_MAX; i++)
		for (size_t j = 0; j < 2; j++)
			end_look(&all[i][j]);
}

/* Counts; says what it finds only if tell. */
static unsigned
below(struct doctor *d, struct processes const *p, char const *name, pid_t top,
	bool tell)
{
	char path[512], number[16], uid[16];
	unsigned found = 0;

	doctor_service_path(d, name, "", path, sizeof path);
	for (size_t i = 0; i < p->count; i++) {
		struct process const *one = &p->list[i];
		if (!processes_is_below(p, one->pid, top) ||
			processes_is_right(d, one))
			continue;
		snprintf(number, sizeof number, "%ld", (long)one->pid);
		snprintf(uid, sizeof uid, "%lu", (unsigned long)one->uids[1]);
		if (tell)
			doctor_find(d, FIND_PROCESS_UID, 0, path, one->program,
				number, uid);
		found++;
	}
	return found;
}

static unsigned
parts(struct doctor *d, struct processes const *p, pid_t top, bool tell)
{
	char path[512];
	unsigned found = 0;

	doctor_service_path(d, "queue", "", path, sizeof path);
	for (size_t i = 0; i < sizeof queue_parts / sizeof *queue_parts; i++) {
		size_t j = 0;
		while (j < p->count &&
			(strcmp(p->list[j].program, queue_parts[i]) != 0 ||
				!processes_is_below(p, p->list[j].pid, top)))
			j++;
		if (j < p->count)
			continue;
		if (tell)
			doctor_find(d, FIND_PROCESS_MISSING, 0, path,
				queue_parts[i], "queue", NULL);
		found++;
	}
	return found;
}

static void
replaced(struct doctor *d, struct processes const *p, char const *name,
	pid_t pid)
{
	struct process const *one = processes_find(p, pid);
	char path[512], number[16];

	if (one == NULL || !one->is_replaced)
		return;
	doctor_service_path(d, name, "", path, sizeof path);
	snprintf(number, sizeof number, "%ld", (long)pid);
	doctor_find(d, FIND_PROCESS_OLD, 0, path, one->program, number, NULL);
}

static unsigned
look_at_processes(struct doctor *d, struct processes const *p,
	pid_t const *pids, bool tell)
{
	unsigned found = 0;

	for (size_t i = 0; service_name(i) != NULL && i < SERVICES_MAX; i++) {
		char const *name = service_name(i);
		if (pids[i] <= 1)
			continue;
		found += below(d, p, name, pids[i], tell);
		if (strcmp(name, "queue") == 0)
			found += parts(d, p, pids[i], tell);
		if (tell)
			replaced(d, p, name, pids[i]);
	}
	return found;
}

void
services_examine(struct doctor *d)
{
	struct processes p = {0};
	struct state all[SERVICES_MAX][2];
	pid_t pids[SERVICES_MAX] = {0};
	char scan[512], control[600];
	bool ok = true;

	snprintf(scan, sizeof scan, "%s/scan", d->state);
	snprintf(control, sizeof control, "%s/.s6-svscan/control", scan);
	if (!has_reader(control)) {
		doctor_find(d, FIND_SUPERVISOR_DEAD, 0, scan, NULL, NULL, NULL);
		for (size_t i = 0; service_name(i) != NULL; i++)
			note_down(d, service_name(i));
		return;
	}
	look_at_all(d, all);
	for (size_t i = 0; service_name(i) != NULL && i < SERVICES_MAX; i++)
		pids[i] =
			one_service(d, service_name(i), &all[i][0], &all[i][1]);
	for (int i = 1; ok; i++) {
		ok = processes_read(&p);
		if (ok && (look_at_processes(d, &p, pids, false) == 0 ||
				  i == LOOKS))
			break;
		usleep(PAUSE_US);
	}
	if (ok)
		(void)look_at_processes(d, &p, pids, true);
	else
		doctor_find(d, FIND_UNEXAMINED, 0, d->section, strerror(errno),
			NULL, NULL);
	processes_free(&p);
}
