/* The limits of a program of others'; see proglimits.h. */
#include <sys/prctl.h>
#include "common/proglimits.h"

static bool
limit(int what, rlim_t n)
{
	struct rlimit r = {n, n};

	return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

bool
proglimits_enter(struct proglimits const *l)
{
#ifndef KERERU_SANITIZE
	if (!limit(RLIMIT_AS, l->memory))
		return false;
#endif
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, l->files) &&
	       limit(RLIMIT_FSIZE, l->file_size) &&
	       (l->cpu_seconds == 0 || limit(RLIMIT_CPU, l->cpu_seconds)) &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
