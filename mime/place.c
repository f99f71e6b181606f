/* Finds and moves the files of a maildir; see place.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/place.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Is the folder fd the one called sub in the maildir? */
static bool
is_sub(int folder_fd, char const *sub, struct stat const *fd_stat)
{
	struct stat st;

	return fstatat(folder_fd, sub, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == fd_stat->st_dev && st.st_ino == fd_stat->st_ino;
}

static bool
take_folder(struct place *p, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	p->folder_fd = openat(fd, "..", FOLDER_FLAGS);
	if (p->folder_fd < 0)
		return false;
	if (is_sub(p->folder_fd, "cur", &st)) {
		memcpy(p->sub, "cur", 4);
		return true;
	}
	if (is_sub(p->folder_fd, "new", &st)) {
		memcpy(p->sub, "new", 4);
		return true;
	}
	close(p->folder_fd);
	errno = EINVAL;
	return false;
}

bool
place_from_path(struct place *p_r, char const *path)
{
	char const *const slash = strrchr(path, '/');
	char const *const name = slash ? slash + 1 : path;
	char *folder = strndup(path, (size_t)(name - path));
	bool ok = false;
	int fd, error;

	if (!folder)
		return false;
	if (name[0] == '\0' || name[0] == '.' ||
		strlen(name) > PLACE_NAME_MAX) {
		errno = EINVAL;
		goto done;
	}
	memcpy(p_r->name, name, strlen(name) + 1);
	fd = open(slash ? folder : ".", FOLDER_FLAGS);
	if (fd < 0)
		goto done;
	ok = take_folder(p_r, fd);
	error = errno;
	close(fd);
	errno = error;
done:
	error = errno;
	free(folder);
	errno = error;
	return ok;
}

static size_t
base_len(char const *name)
{
	return strcspn(name, ":");
}

/* 1 found, 0 not there, -1 errno. */
static int
search(struct place *p, char const *sub)
{
	int const fd = openat(p->folder_fd, sub, FOLDER_FLAGS | O_NOFOLLOW);
	DIR *const dir = fd < 0 ? NULL : fdopendir(fd);
	size_t const base = base_len(p->name);
	struct dirent const *d;
	int r = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (errno = 0, (d = readdir(dir)) != NULL)
		if (base_len(d->d_name) == base &&
			memcmp(d->d_name, p->name, base) == 0) {
			memcpy(p->name, d->d_name, strlen(d->d_name) + 1);
			memcpy(p->sub, sub, 4);
			r = 1;
			break;
		}
	if (r == 0 && errno != 0)
		r = -1;
	closedir(dir);
	return r;
}

static bool
is_there(struct place const *p)
{
	struct stat st;
	int const fd = openat(
		p->folder_fd, p->sub, FOLDER_FLAGS | O_PATH | O_NOFOLLOW);
	bool ok;

	if (fd < 0)
		return false;
	ok = fstatat(fd, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	close(fd);
	return ok;
}

bool
place_find(struct place *p)
{
	int r;

	if (is_there(p))
		return true;
	/* Messages go from new to cur: looked at in this order, none that
	   goes on meanwhile is missed. */
	r = search(p, "new");
	if (r == 0)
		r = search(p, "cur");
	if (r == 0)
		errno = ENOENT;
	return r > 0;
}

int
place_open(struct place *p)
{
	for (int tries = 0; place_find(p) && tries < 8; tries++) {
		int const sub = openat(p->folder_fd, p->sub,
			FOLDER_FLAGS | O_PATH | O_NOFOLLOW);
		int fd, error;

		if (sub < 0)
			return -1;
		fd = openat(sub, p->name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC);
		error = errno;
		close(sub);
		errno = error;
		if (fd >= 0 || error != ENOENT)
			return fd;
	}
	return -1;
}

/* Behind ":2,", or NULL. */
static char const *
flags_at(char const *name)
{
	char const *const at = name + base_len(name);

	return strncmp(at, ":2,", 3) == 0 ? at + 3 : NULL;
}

void
place_flags(char const *name, char out[PLACE_NAME_MAX + 1])
{
	char const *const at = flags_at(name);
	size_t const len = at ? strcspn(at, ",") : 0;

	if (len > 0)
		memcpy(out, at, len);
	out[len] = '\0';
}

bool
place_rename(char const *name, char const *add, char const *remove,
	char out[PLACE_NAME_MAX + 1])
{
	size_t const base = base_len(name);
	char flags[PLACE_NAME_MAX + 1];
	char const *const old = flags_at(name);
	char const *const rest = old ? old + strcspn(old, ",") : "";
	size_t n = base;

	/* ":2," and a letter of each kind must have room. */
	if (base + 3 + 52 + strlen(rest) > PLACE_NAME_MAX)
		return false;
	place_flags(name, flags);
	memcpy(out, name, base);
	memcpy(out + n, ":2,", 3);
	n += 3;
	/* In order, as every reader of maildirs writes them. */
	for (char c = 'A'; c <= 'z'; c++)
		if ((c <= 'Z' || c >= 'a') &&
			(strchr(flags, c) || strchr(add, c)) &&
			!strchr(remove, c))
			out[n++] = c;
	memcpy(out + n, rest, strlen(rest) + 1);
	return true;
}

/* Without renameat2's flag a link does the same: it never replaces. */
static bool
rename_without_replacing(
	int from, char const *old_name, int to, char const *new_name)
{
	if (renameat2(from, old_name, to, new_name, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	return linkat(from, old_name, to, new_name, 0) == 0 &&
	       unlinkat(from, old_name, 0) == 0;
}

bool
place_move(struct place const *p, int to_fd, char const *sub, char const *name)
{
	int const from =
		openat(p->folder_fd, p->sub, FOLDER_FLAGS | O_NOFOLLOW);
	int const to = openat(to_fd, sub, FOLDER_FLAGS | O_NOFOLLOW);
	/* The new place on disk before the old one is gone from it. */
	bool const ok = from >= 0 && to >= 0 &&
			rename_without_replacing(from, p->name, to, name) &&
			fsync(to) == 0 && fsync(from) == 0;
	int const error = errno;

	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	errno = error;
	return ok;
}
