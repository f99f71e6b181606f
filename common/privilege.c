/* Giving up root for good. */
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "common/privilege.h"

static bool
is_dropped(uid_t uid, gid_t gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	return getresuid(&ruid, &euid, &suid) == 0 && ruid == uid &&
	       euid == uid && suid == uid &&
	       getresgid(&rgid, &egid, &sgid) == 0 && rgid == gid &&
	       egid == gid && sgid == gid && getgroups(0, NULL) == 0;
}

bool
privilege_drop(uid_t uid, gid_t gid)
{
	if (uid == 0 || gid == 0) {
		errno = EPERM;
		return false;
	}
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
		setresuid(uid, uid, uid) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return false;
	if (!is_dropped(uid, gid) || setuid(0) == 0 || setgid(0) == 0) {
		errno = EPERM;
		return false;
	}
	return true;
}

bool
privilege_chroot(int folder_fd)
{
	return fchdir(folder_fd) == 0 && chroot(".") == 0;
}
