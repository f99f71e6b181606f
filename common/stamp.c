/* Has something changed since it was read? See stamp.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>

#include "common/stamp.h"

/* A clock that goes by ticks shows a change only if a tick falls into it, or the
 * processor was taken away just then: not so often in a row. */
#define TRIES 8

int64_t
stamp_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
fill(struct stamp *s, struct stat const *st)
{
	*s = (struct stamp){.inode = st->st_ino,
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.modified_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
			       st->st_mtim.tv_nsec,
		.changed_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 +
			      st->st_ctim.tv_nsec};
}

bool
stamp_get(int fd, struct stamp *stamp_r)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	/* A folder that was removed can be open still. */
	if (st.st_nlink == 0) {
		errno = ENOENT;
		return false;
	}
	fill(stamp_r, &st);
	return true;
}

bool
stamp_get_open(int fd, struct stamp *stamp_r)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	fill(stamp_r, &st);
	return true;
}

bool
stamp_get_at(int folder_fd, char const *name, struct stamp *stamp_r)
{
	struct stat st;

	*stamp_r = (struct stamp){0};
	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	fill(stamp_r, &st);
	return true;
}

bool
stamp_same(struct stamp const *a, struct stamp const *b)
{
	return a->inode == b->inode && a->size == b->size &&
	       a->modified_ns == b->modified_ns &&
	       a->changed_ns == b->changed_ns;
}

int64_t
stamp_unsettled_ns(struct stamp const *s, int64_t settle_ns)
{
	int64_t const age = stamp_now_ns() - s->changed_ns;

	if (settle_ns == 0 || age > settle_ns)
		return 0;
	/* A clock that was set back must not make us wait for it. */
	return age < 0 ? settle_ns : settle_ns - age;
}

bool
stamp_is_remote(int fd)
{
	static unsigned long const types[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,
		0x65735546, /* FUSE */
		0xFF534D42, /* CIFS */
		0xFE534D42, /* SMB2 */
		0x01021997, /* 9p */
		0x00C36400, /* Ceph */
		0x0BD00BD0 /* Lustre */};
	struct statfs s;

	if (fstatfs(fd, &s) < 0)
		return true;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if ((unsigned long)s.f_type == types[i])
			return true;
	return false;
}

/* Look, change, look: does every change show? */
static bool
shows_all(int fd)
{
	struct stamp before, after;

	for (int i = 0; i < TRIES; i++)
		if (!stamp_get(fd, &before) ||
			fchmod(fd, i % 2 == 0 ? 0400 : 0600) < 0 ||
			!stamp_get(fd, &after) ||
			after.changed_ns == before.changed_ns)
			return false;
	return true;
}

static int64_t
try(int folder_fd)
{
	char name[48];
	int64_t result = STAMP_SETTLE_NS;
	int fd;

	(void)snprintf(name, sizeof name, "tmp/stamp.%08lx%08lx",
		(unsigned long)randombytes_random(),
		(unsigned long)randombytes_random());
	fd = openat(folder_fd, name,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return result;
	if (shows_all(fd))
		result = 0;
	(void)unlinkat(folder_fd, name, 0);
	close(fd);
	return result;
}

int64_t
stamp_settle_ns(int folder_fd)
{
	static dev_t known;
	static int64_t settle_ns = -1;
	struct stat st;

	if (fstat(folder_fd, &st) < 0)
		return STAMP_SETTLE_REMOTE_NS;
	if (settle_ns < 0 || st.st_dev != known) {
		known = st.st_dev;
		settle_ns = stamp_is_remote(folder_fd) ? STAMP_SETTLE_REMOTE_NS
						       : try(folder_fd);
	}
	return settle_ns;
}
