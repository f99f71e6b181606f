/* The accounts that the roles run under, found and made. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <skalibs/types.h>
#include "common/admin/account.h"
#include "common/admin/run.h"

/* (uid_t)-1 means "leave as it is" to the kernel: never an account. */
static bool
scan_id(char const *s, char const **end_r, uint32_t *n_r)
{
	size_t len = uint32_scan(s, n_r);

	*end_r = s + len;
	return len > 0 && *n_r != UINT32_MAX;
}

static bool
numeric(char const *name, struct account *account_r)
{
	char const *end;
	uint32_t uid, gid;

	if (!scan_id(name, &end, &uid))
		return false;
	gid = uid;
	if (*end == ':' && !scan_id(end + 1, &end, &gid))
		return false;
	if (*end != '\0')
		return false;
	*account_r = (struct account){.uid = uid, .gid = gid};
	return true;
}

int
account_find(char const *name, struct account *account_r)
{
	struct passwd const *pw;

	if (numeric(name, account_r))
		return 1;
	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL)
		return errno == 0 || errno == ENOENT || errno == ESRCH ? 0 : -1;
	*account_r = (struct account){.uid = pw->pw_uid, .gid = pw->pw_gid};
	return 1;
}

int
account_find_group(char const *name, gid_t *gid_r)
{
	char const *end;
	struct group const *gr;
	uint32_t gid;

	if (scan_id(name, &end, &gid) && *end == '\0') {
		*gid_r = gid;
		return 1;
	}
	errno = 0;
	gr = getgrnam(name);
	if (gr == NULL)
		return errno == 0 || errno == ENOENT || errno == ESRCH ? 0 : -1;
	*gid_r = gr->gr_gid;
	return 1;
}

bool
account_create(char const *name)
{
	char const *argv[] = {"useradd", "--system", "--user-group",
		"--no-create-home", "--home-dir", "/nonexistent", "--shell",
		"/usr/sbin/nologin", "--", name, NULL};

	return run_program(argv);
}

bool
account_create_group(char const *name)
{
	char const *argv[] = {"groupadd", "--system", "--", name, NULL};

	return run_program(argv);
}
