/* What others do in a folder; see watch.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/stamp.h"
#include "imapd/watch.h"

static int
add(int fd, char const *path, char const *sub)
{
	char full[PATH_MAX];
	int const n = snprintf(full, sizeof full, "%s/%s", path, sub);

	if (n < 0 || (size_t)n >= sizeof full)
		return -1;
	return inotify_add_watch(fd, full,
		IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
			IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
			IN_DONT_FOLLOW | IN_EXCL_UNLINK);
}

/* path may have been renamed since folder_fd was opened. */
static bool
is_same(int folder_fd, char const *path)
{
	struct stat a, b;

	return fstat(folder_fd, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool
watch_start(struct watch *w, int folder_fd, char const *path)
{
	*w = (struct watch)WATCH_ZERO;
	if (stamp_is_remote(folder_fd))
		return false;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		return false;
	w->new_wd = add(w->fd, path, "new");
	w->cur_wd = add(w->fd, path, "cur");
	if (w->new_wd >= 0 && w->cur_wd >= 0 && is_same(folder_fd, path))
		return true;
	watch_stop(w);
	return false;
}

void
watch_stop(struct watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct watch)WATCH_ZERO;
}

static enum watch_what
meaning(struct inotify_event const *e)
{
	if (e->len == 0)
		return WATCH_LOST;
	if (e->mask & (IN_CREATE | IN_MOVED_TO))
		return WATCH_CAME;
	return e->mask & IN_MOVED_FROM ? WATCH_MOVED : WATCH_WENT;
}

void
watch_read(struct watch *w,
	void (*found)(void *data, enum watch_what what, bool in_new,
		char const *name, size_t len),
	void *data)
{
	static _Alignas(struct inotify_event) char buffer[32768];
	struct inotify_event e;

	for (;;) {
		ssize_t const n = read(w->fd, buffer, sizeof buffer);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		for (size_t at = 0; at + sizeof e <= (size_t)n;
			at += sizeof e + e.len) {
			char const *const name = buffer + at + sizeof e;

			memcpy(&e, buffer + at, sizeof e);
			found(data, meaning(&e), e.wd == w->new_wd, name,
				strnlen(name, e.len));
		}
	}
}
