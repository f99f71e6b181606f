/* The processes of a host, and whom each must be. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "common/admin/check/processes.h"

/* A loop of parents, seen while they change, ends here. */
#define DEPTH_MAX 50

/* accounts: roles, with blanks between; "mailbox": a uid of that range. */
static struct {
	char const *program, *accounts;
} const rights[] = {
	{"monitor", "root"},
	{"starter", "root"},
	{"local-spawner", "root mailbox"},
	{"spam-gather", "root mailbox check"},
	{"auth", "auth"},
	{"check", "check"},
	{"policy", "policy"},
	{"sts", "sts"},
	{"signer", "sign"},
	{"manager", "queue"},
	{"remote-spawner", "remote"},
	{"submit-front", "submit"},
	{"pop3-front", "pop3d"},
	{"imap-front", "imapd"},
	{"sieve-front", "sieve"},
	{"smtpd", "smtpd relay mailbox"},
	{"pop3d", "mailbox"},
	{"imapd", "mailbox"},
	{"sieved", "mailbox"},
};

static bool
read_status(int proc_fd, char const *name, struct process *p)
{
	char path[64], text[2048];
	char const *parent, *uids;
	int fd;
	ssize_t n;
	unsigned long u[3];
	long of;

	snprintf(path, sizeof path, "%s/status", name);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	parent = strstr(text, "\nPPid:");
	uids = strstr(text, "\nUid:");
	if (parent == NULL || uids == NULL ||
		sscanf(parent + 6, "%ld", &of) != 1 ||
		sscanf(uids + 5, "%lu %lu %lu", &u[0], &u[1], &u[2]) != 3)
		return false;
	p->parent = (pid_t)of;
	for (int i = 0; i < 3; i++)
		p->uids[i] = (uid_t)u[i];
	return true;
}

/* Kernel threads have none. */
static void
read_program(int proc_fd, char const *name, struct process *p)
{
	static char const replaced[] = " (deleted)";
	char path[64], target[1024];
	ssize_t n;
	char *base;

	snprintf(path, sizeof path, "%s/exe", name);
	n = readlinkat(proc_fd, path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = '\0';
	if (n >= (ssize_t)sizeof replaced &&
		strcmp(target + n - (sizeof replaced - 1), replaced) == 0) {
		p->is_replaced = true;
		target[n - (ssize_t)(sizeof replaced - 1)] = '\0';
	}
	base = strrchr(target, '/');
	snprintf(p->program, sizeof p->program, "%.31s",
		base != NULL ? base + 1 : "");
}

bool
processes_read(struct processes *p)
{
	DIR *dir = opendir("/proc");
	struct dirent const *e;
	bool ok = dir != NULL;

	p->count = 0;
	while (ok && (e = readdir(dir)) != NULL) {
		struct process *one;
		uint32_t pid;
		if (uint320_scan(e->d_name, &pid) == 0 ||
			e->d_name[strspn(e->d_name, "0123456789")] != '\0')
			continue;
		one = config_add(
			(void **)&p->list, &p->count, &p->room, sizeof *one);
		if (one == NULL) {
			ok = false;
			break;
		}
		one->pid = (pid_t)pid;
		if (!read_status(dirfd(dir), e->d_name, one))
			p->count--;
		else
			read_program(dirfd(dir), e->d_name, one);
	}
	if (dir != NULL)
		closedir(dir);
	return ok;
}

void
processes_free(struct processes *p)
{
	free(p->list);
	*p = (struct processes){0};
}

struct process const *
processes_find(struct processes const *p, pid_t pid)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].pid == pid)
			return &p->list[i];
	return NULL;
}

bool
processes_is_below(struct processes const *p, pid_t pid, pid_t top)
{
	for (int i = 0; i < DEPTH_MAX && pid > 1; i++) {
		struct process const *one;
		if (pid == top)
			return true;
		one = processes_find(p, pid);
		if (one == NULL)
			return false;
		pid = one->parent;
	}
	return false;
}

static bool
is_of(struct doctor const *d, char const *name, size_t len, uid_t uid)
{
	struct account a;
	char role[16];
	uint32_t min, max;

	snprintf(role, sizeof role, "%.*s", (int)len, name);
	if (strcmp(role, "root") == 0)
		return uid == 0;
	if (strcmp(role, "mailbox") == 0)
		return setting_uids(
			       doctor_setting(d, "mailbox-uids"), &min, &max) &&
		       uid >= min && uid <= max;
	return values_account(&d->config.values, role, &a) && a.uid == uid;
}

bool
processes_is_right(struct doctor const *d, struct process const *process)
{
	char const *accounts = NULL;

	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
		if (strcmp(rights[i].program, process->program) == 0)
			accounts = rights[i].accounts;
	if (accounts == NULL)
		return true;
	if (process->uids[0] != process->uids[1] ||
		process->uids[0] != process->uids[2])
		return false;
	while (*accounts != '\0') {
		size_t len = strcspn(accounts, " ");
		if (is_of(d, accounts, len, process->uids[0]))
			return true;
		accounts += len + (accounts[len] == ' ');
	}
	return false;
}
