/* The queue's folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/id.h"
#include "common/log.h"
#include "queue/folders.h"

/* Seconds without a write after which a file in tmp is nobody's. */
#define STALE (36 * 3600)
/* Things that can't be moved (a folder that is not empty) and were told. */
#define TOLD_MAX 64

struct folders folders = {-1, -1, -1, -1, -1, -1};

static int
open_folder(int parent_fd, char const *name)
{
	return openat(parent_fd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* One manager at a time: the lock is held until the last process that has the
 * folder open from it, its helpers too, has ended. */
static bool
lock(int fd)
{
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

bool
folders_open(char const *state)
{
	int state_fd = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (state_fd < 0)
		return false;
	folders.queue = open_folder(state_fd, "queue");
	close(state_fd);
	if (folders.queue < 0)
		return false;
	folders.tmp = open_folder(folders.queue, "tmp");
	folders.new_ = open_folder(folders.queue, "new");
	folders.cur = open_folder(folders.queue, "cur");
	folders.bad = open_folder(folders.queue, "bad");
	if (folders.tmp < 0 || folders.new_ < 0 || folders.cur < 0 ||
		folders.bad < 0 || fchdir(folders.queue) < 0 ||
		!lock(folders.cur))
		return false;
	folders.watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return folders.watch >= 0 && inotify_add_watch(folders.watch, "new",
					     IN_MOVED_TO | IN_CREATE) >= 0;
}

/* Whether this one was told already; else it counts as told from now on. */
static bool
was_told(ino_t inode)
{
	static ino_t told[TOLD_MAX];
	static unsigned next;

	for (unsigned i = 0; i < TOLD_MAX; i++)
		if (told[i] == inode)
			return true;
	told[next++ % TOLD_MAX] = inode;
	return false;
}

/* A link, FIFO or socket holds no message, and the sandbox lets none be made,
 * not even by a rename. A foreign folder can't be moved, but removed if it is
 * empty. What may be mail stays where it is, until there is room in bad. */
static bool
discard(int folder_fd, char const *name, struct stat const *st)
{
	if (S_ISREG(st->st_mode))
		return false;
	return unlinkat(folder_fd, name, 0) == 0 ||
	       unlinkat(folder_fd, name, AT_REMOVEDIR) == 0;
}

void
folders_refuse(int folder_fd, char const *name, char const *why)
{
	struct log_line line;
	struct stat st;
	char fresh[ID_LEN + 1];
	bool moved;

	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	moved = renameat2(folder_fd, name, folders.bad, name,
			RENAME_NOREPLACE) == 0;

	if (!moved && errno == EEXIST) {
		id_make(fresh);
		moved = renameat2(folder_fd, name, folders.bad, fresh,
				RENAME_NOREPLACE) == 0;
	}
	if (!moved && !discard(folder_fd, name, &st) && was_told(st.st_ino))
		return;
	log_begin(&line, "refused", NULL);
	log_text(&line, "file", name, strlen(name));
	log_number(&line, "uid", st.st_uid);
	log_text(&line, "why", why, strlen(why));
	log_end(&line);
}

void
folders_sweep(uint64_t now)
{
	int fd = open_folder(folders.queue, "tmp");
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	struct stat st;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			(uint64_t)st.st_mtime + STALE >= now)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0)
			log_event("stale", NULL, "file", e->d_name, (char *)0);
	}
	closedir(d);
}
