/* Several files of a folder replaced together. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/admin/publish.h"

#define NAME_SIZE 64

static void
temporary(char out[NAME_SIZE], char const *name)
{
	snprintf(out, NAME_SIZE, ".%s.tmp", name);
}

bool
publish_begin(struct publish *p, char const *folder)
{
	*p = (struct publish){.folder = folder};
	p->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->folder_fd < 0)
		return false;
	while (flock(p->folder_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

int
publish_open(struct publish *p, char const *name)
{
	char path[NAME_SIZE];
	int fd;

	if (p->count == PUBLISH_MAX) {
		errno = EMFILE;
		return -1;
	}
	temporary(path, name);
	/* What a killed run left behind. */
	if (unlinkat(p->folder_fd, path, 0) < 0 && errno != ENOENT)
		return -1;
	fd = openat(p->folder_fd, path,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		p->names[p->count++] = name;
	return fd;
}

bool
publish_close(int fd, uid_t uid, gid_t gid, mode_t mode)
{
	bool ok = fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0 &&
		  fsync(fd) == 0;
	int error = errno;

	if (close(fd) < 0 && ok)
		return false;
	errno = error;
	return ok;
}

bool
publish_commit(struct publish *p)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	char path[NAME_SIZE];

	if (clock_gettime(CLOCK_REALTIME, &times[1]) < 0)
		return false;
	for (size_t i = 0; i < p->count; i++) {
		temporary(path, p->names[i]);
		if (utimensat(p->folder_fd, path, times, 0) < 0)
			return false;
	}
	while (p->count > 0) {
		char const *name = p->names[p->count - 1];
		temporary(path, name);
		if (renameat(p->folder_fd, path, p->folder_fd, name) < 0)
			return false;
		p->count--;
	}
	return fsync(p->folder_fd) == 0;
}

void
publish_end(struct publish *p)
{
	char path[NAME_SIZE];

	while (p->count > 0) {
		temporary(path, p->names[--p->count]);
		(void)unlinkat(p->folder_fd, path, 0);
	}
	if (p->folder_fd >= 0)
		close(p->folder_fd);
	p->folder_fd = -1;
}
