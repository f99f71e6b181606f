/* Making the folders of a host with the right owners and modes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/maildir.h"
#include "common/admin/folder.h"

static bool
failed(char const *path)
{
	fprintf(stderr, "kereru: cannot make folder %s: %s\n", path,
		strerror(errno));
	return false;
}

/* The name of path in its folder is on disk. */
static bool
sync_parent(char const *path)
{
	char *parent = strdup(path), *slash;
	int fd;
	bool ok;

	if (parent == NULL)
		return false;
	slash = strrchr(parent, '/');
	if (slash != NULL)
		slash[slash == parent] = '\0';
	fd = open(slash != NULL ? parent : ".",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

/* True, too, if it stands there. */
static bool
make_one(char const *path, mode_t mode)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST;
	return sync_parent(path);
}

/* What is above path, each root's and 0755, or 0711 for mail. */
static bool
make_parents(char const *path, mode_t mode)
{
	char *copy = strdup(path);
	bool ok = copy != NULL;

	for (char *slash = ok ? strchr(copy + 1, '/') : NULL;
		ok && slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		/* mkdir's mode is cut by the umask, 022 here. */
		ok = make_one(copy, mode);
		*slash = '/';
	}
	free(copy);
	return ok;
}

bool
folder_make(char const *path, uid_t uid, gid_t gid, mode_t mode)
{
	int fd;
	bool ok;

	if (!make_parents(path, 0755) || !make_one(path, 0700))
		return failed(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(path);
	ok = fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0 &&
	     fsync(fd) == 0;
	close(fd);
	return ok || failed(path);
}

static bool
give(int folder_fd, uid_t uid)
{
	static char const *const parts[] = {"cur", "new", "tmp"};

	/* Inside first: from the last chown on, the folder is not root's. */
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (fchownat(folder_fd, parts[i], uid, uid,
			    AT_SYMLINK_NOFOLLOW) < 0)
			return false;
	return fchown(folder_fd, uid, uid) == 0 && fsync(folder_fd) == 0;
}

static bool
make_maildir(int parent_fd, char const *name, uid_t uid)
{
	struct stat st;
	int fd;
	bool ok;

	if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		(st.st_uid != 0 || !S_ISDIR(st.st_mode))) {
		/* Only a folder of the mailbox's own is left as it is: it may
		 * have changed anything in one that it owns. */
		errno = S_ISDIR(st.st_mode) ? EPERM : ENOTDIR;
		return S_ISDIR(st.st_mode) && st.st_uid == uid;
	}
	if (!maildir_create(parent_fd, name))
		return false;
	fd = openat(parent_fd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = give(fd, uid);
	close(fd);
	return ok;
}

bool
folder_maildir(char const *path, uid_t uid)
{
	char const *name = strrchr(path, '/') + 1;
	char *parent = strndup(path, (size_t)(name - path));
	int parent_fd = -1;
	bool ok = parent != NULL && make_parents(path, 0711) &&
		  (parent_fd = open(
			   parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0 &&
		  make_maildir(parent_fd, name, uid);

	if (!ok && errno == EPERM)
		fprintf(stderr,
			"kereru: %s is there and somebody else's: move "
			"it away, or give it to uid %u\n",
			path, (unsigned)uid);
	else if (!ok)
		(void)failed(path);
	if (parent_fd >= 0)
		close(parent_fd);
	free(parent);
	return ok;
}
