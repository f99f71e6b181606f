/* What a process keeps once it is set up. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "common/landlock.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "filters.h"

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

static char const *
filter(struct sandbox const *s, char const **missing_r)
{
	int got = enter_filter(s->filter);

	if (got == 0)
		*missing_r = "seccomp";
	return got < 0 ? "seccomp" : NULL;
}

char const *
sandbox_enter(struct sandbox const *s, char const **missing_r)
{
	int got;

	*missing_r = NULL;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return "dumpable";
	if (!enter_limits(s))
		return "limits";
	/* A command that root runs may load a filter without this. */
	if (geteuid() == 0)
		return filter(s, missing_r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "no_new_privs";
	got = landlock_enter(s);
	if (got == 0)
		*missing_r = "landlock";
	return got < 0 ? "landlock" : filter(s, missing_r);
}

static void
report(char const *failed, char const *missing)
{
	if (failed != NULL) {
		log_error("sandbox-failed", NULL, "what", failed, (char *)0);
		_exit(111);
	}
	if (missing != NULL)
		log_event("sandbox-missing", NULL, "what", missing, (char *)0);
}

void
sandbox_enter_or_exit(struct sandbox const *s)
{
	char const *missing;
	char const *failed = sandbox_enter(s, &missing);

	report(failed, missing);
}

void
sandbox_enter_as_root(struct sandbox const *s)
{
	char const *missing = NULL;

	report(!enter_limits(s) ? "limits" : filter(s, &missing), missing);
}
