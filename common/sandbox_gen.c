/*
 * Turns the table in syscalls.h into filters, at build time: programs then
 * need neither libseccomp nor its memory. Prints a C header.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <seccomp.h>
#include "common/syscalls.h"

static void
die(char const *what)
{
	fprintf(stderr, "sandbox_gen: %s\n", what);
	exit(1);
}

/* A rule for call, on condition of one of its arguments. */
static void
allow_if(scmp_filter_ctx filter, char const *name, int call,
	struct scmp_arg_cmp condition)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, condition);

	if (r < 0 && r != -EEXIST)
		die(name);
}

static void
allow_fcntl(scmp_filter_ctx filter, int call)
{
	static unsigned const commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
		F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
		F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		allow_if(filter, "fcntl", call,
			SCMP_A1(SCMP_CMP_EQ, commands[i], 0));
}

/* What fork of the C library asks for. */
#define FORK_FLAGS                                                             \
	((scmp_datum_t)(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD))

static void
allow(scmp_filter_ctx filter, char const *name)
{
	int call = seccomp_syscall_resolve_name(name);
	int r;

	if (call == __NR_SCMP_ERROR)
		die(name);
	if (call < 0) /* not on this architecture */
		return;
	if (strcmp(name, "mmap") == 0 || strcmp(name, "mprotect") == 0) {
		allow_if(filter, name, call,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	} else if (strcmp(name, "fcntl") == 0) {
		allow_fcntl(filter, call);
	} else if (strcmp(name, "clone") == 0) {
		allow_if(filter, name, call,
			SCMP_A0(SCMP_CMP_MASKED_EQ, ~FORK_FLAGS, 0));
	} else {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
		if (r < 0 && r != -EEXIST)
			die(name);
	}
}

static void
allow_any(scmp_filter_ctx filter, char const *name)
{
	int call = seccomp_syscall_resolve_name(name);
	int r = call == __NR_SCMP_ERROR ? -EINVAL : 0;

	if (call >= 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
	if (r < 0 && r != -EEXIST)
		die(name);
}

static char const *
find_row(char const *name)
{
	for (size_t i = 0; i < sizeof syscalls_groups / sizeof *syscalls_groups;
		i++)
		if (strcmp(syscalls_groups[i].name, name) == 0)
			return syscalls_groups[i].calls;
	for (size_t i = 0; i < SANDBOX_FILTERS; i++)
		if (strcmp(syscalls_rows[i].name, name) == 0)
			return syscalls_rows[i].calls;
	die(name);
	return NULL;
}

static void
allow_all(scmp_filter_ctx filter, char const *calls)
{
	char *copy = strdup(calls), *rest;

	if (copy == NULL)
		die("out of memory");
	for (char *name = strtok_r(copy, " ", &rest); name != NULL;
		name = strtok_r(NULL, " ", &rest)) {
		char *colon = strchr(name, ':');
		if (colon != NULL)
			*colon = '\0';
		if (name[0] == '@')
			allow_all(filter, find_row(name + 1));
		else if (colon != NULL && strcmp(colon + 1, "unix") == 0)
			allow_if(filter, name,
				seccomp_syscall_resolve_name(name),
				SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
		else if (colon != NULL)
			allow_any(filter, name);
		else
			allow(filter, name);
	}
	free(copy);
}

/* A refused call answers EPERM; a foreign architecture's kills. */
static void
print_filter(size_t row)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int fd = memfd_create("filter", 0);
	struct sock_filter f;

	if (filter == NULL || fd < 0)
		die("out of memory");
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (seccomp_attr_set(
		    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0)
		die("seccomp_attr_set");
	allow_all(filter, syscalls_rows[row].calls);
	if (seccomp_export_bpf(filter, fd) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		die("seccomp_export_bpf");
	printf("/* %s */\nstatic struct sock_filter filter_%zu[] = {\n",
		syscalls_rows[row].name, row);
	while (read(fd, &f, sizeof f) == (ssize_t)sizeof f)
		printf("\t{%u, %u, %u, %uu},\n", f.code, f.jt, f.jf, f.k);
	printf("};\n");
	close(fd);
	seccomp_release(filter);
}

/* Whether one of the calls is this one, in these words. */
static bool
holds(char const *calls, char const *word, size_t len)
{
	for (char const *at = calls; *at != '\0'; at += *at == ' ') {
		size_t n = strcspn(at, " ");
		char row[64];
		if (n == len && memcmp(at, word, len) == 0)
			return true;
		if (*at == '@') {
			snprintf(row, sizeof row, "%.*s", (int)n - 1, at + 1);
			if (holds(find_row(row), word, len))
				return true;
		}
		at += n;
	}
	return false;
}

/* Dies if the parent's row lacks any of the calls. */
static void
inherit(char const *parent, char const *calls)
{
	for (char const *at = calls; *at != '\0'; at += *at == ' ') {
		size_t n = strcspn(at, " ");
		char name[64];
		snprintf(name, sizeof name, "%.*s", (int)n, at);
		if (*at == '@')
			inherit(parent, find_row(name + 1));
		else if (!holds(find_row(parent), at, n))
			die(name);
		at += n;
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof syscalls_heirs / sizeof *syscalls_heirs;
		i++)
		inherit(syscalls_rows[syscalls_heirs[i].parent].name,
			syscalls_rows[syscalls_heirs[i].child].calls);
	for (size_t i = 0; i < SANDBOX_FILTERS; i++)
		print_filter(i);
	printf("static struct sock_fprog const filters[] = {\n");
	for (size_t i = 0; i < SANDBOX_FILTERS; i++)
		printf("\t{sizeof filter_%zu / sizeof *filter_%zu, "
		       "filter_%zu},\n",
			i, i, i);
	printf("};\n");
	return 0;
}
