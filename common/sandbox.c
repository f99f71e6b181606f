/* What a process keeps once it is set up. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "common/log.h"
#include "common/sandbox.h"
#include "filters.h"

/* Landlock's rights by ABI, as the kernel defines them: Debian 12's header
 * ends at ABI 2. */
#define ABI1_RIGHTS ((UINT64_C(1) << 13) - 1)
#define ABI2_REFER (UINT64_C(1) << 13)
#define ABI3_TRUNCATE (UINT64_C(1) << 14)
#define ABI5_IOCTL_DEV (UINT64_C(1) << 15)
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |       \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
		LANDLOCK_ACCESS_FS_MAKE_REG | ABI2_REFER | ABI3_TRUNCATE)
#define NET_BIND UINT64_C(1)
#define NET_CONNECT UINT64_C(2)

/* struct landlock_ruleset_attr since ABI 4; older kernels take its front. */
struct ruleset {
	uint64_t fs, net;
};

static bool
add_paths(int rules, int const *fds, size_t count, uint64_t rights)
{
	for (size_t i = 0; i < count; i++) {
		struct landlock_path_beneath_attr path = {
			.allowed_access = rights, .parent_fd = fds[i]};
		if (syscall(SYS_landlock_add_rule, rules,
			    LANDLOCK_RULE_PATH_BENEATH, &path, 0) < 0)
			return false;
	}
	return true;
}

/* 1 closed, 0 the kernel lacks it, -1 failed. */
static int
enter_landlock(struct sandbox const *s)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = {.fs = ABI1_RIGHTS};
	int rules;
	bool ok;

	if (abi < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	r.fs |= (abi >= 2 ? ABI2_REFER : 0) | (abi >= 3 ? ABI3_TRUNCATE : 0) |
		(abi >= 5 ? ABI5_IOCTL_DEV : 0);
	r.net = NET_BIND | (s->may_connect ? 0 : NET_CONNECT);
	rules = (int)syscall(SYS_landlock_create_ruleset, &r,
		abi >= 4 ? sizeof r : sizeof r.fs, 0);
	if (rules < 0)
		return -1;
	ok = add_paths(rules, s->read_only, s->read_only_count, READ_RIGHTS) &&
	     add_paths(rules, s->read_write, s->read_write_count,
		     (READ_RIGHTS | WRITE_RIGHTS) & r.fs) &&
	     syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return ok ? 1 : -1;
}

static bool
limit(int what, rlim_t n)
{
	struct rlimit r = {n, n};

	return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

/* Root without the capability to raise it (in a container) makes do with the
 * limit that it was given. */
static bool
limit_files(unsigned files)
{
	struct rlimit r;

	if (limit(RLIMIT_NOFILE, files))
		return true;
	return errno == EPERM && getrlimit(RLIMIT_NOFILE, &r) == 0 &&
	       limit(RLIMIT_NOFILE, r.rlim_max);
}

static bool
enter_limits(struct sandbox const *s)
{
#ifndef KERERU_SANITIZE
	if (s->memory > 0 && !limit(RLIMIT_AS, s->memory))
		return false;
#endif
	/* A full file system answers by an error, not by a signal. */
	if (!s->may_write && (signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
				     !limit(RLIMIT_FSIZE, 0)))
		return false;
	return limit(RLIMIT_CORE, 0) &&
	       (s->files == 0 || limit_files(s->files)) &&
	       (s->may_fork || limit(RLIMIT_NPROC, 0));
}

#ifdef KERERU_SANITIZE
/* The leak checker traces its own process and reads /proc, which is refused
 * here: it would turn every exit into a failure. */
char const *__asan_default_options(void);
char const *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static int
enter_filter(enum sandbox_filter filter)
{
	(void)filters;
	(void)filter;
	return 1;
}
#else
static int
enter_filter(enum sandbox_filter filter)
{
	struct sock_fprog program;

	if (filter == SANDBOX_NONE)
		return 1;
	program = filters[filter];
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 1;
	return errno == ENOSYS || errno == EINVAL ? 0 : -1;
}
#endif

char const *
sandbox_enter(struct sandbox const *s, char const **missing_r)
{
	int got;

	*missing_r = NULL;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return "dumpable";
	/* Root may load a filter without it, and must not pass it on to what
	 * it starts for a user. */
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "no_new_privs";
	if (!enter_limits(s))
		return "limits";
	/* What root starts is fenced by itself; its own fence would be
	 * inherited. */
	if (geteuid() != 0) {
		got = enter_landlock(s);
		if (got < 0)
			return "landlock";
		if (got == 0)
			*missing_r = "landlock";
	}
	got = enter_filter(s->filter);
	if (got < 0)
		return "seccomp";
	if (got == 0)
		*missing_r = "seccomp";
	return NULL;
}

void
sandbox_enter_or_exit(struct sandbox const *s)
{
	char const *missing;
	char const *failed = sandbox_enter(s, &missing);

	if (failed != NULL) {
		log_error("sandbox-failed", NULL, "what", failed, (char *)0);
		_exit(111);
	}
	if (missing != NULL)
		log_event("sandbox-missing", NULL, "what", missing, (char *)0);
}
