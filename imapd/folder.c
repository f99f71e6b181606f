/* Making, removing and renaming folders; see folder.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/stralloc.h>
#include <sodium.h>

#include "common/maildir.h"
#include "imapd/folder.h"
#include "imapd/resolve.h"
#include "common/uidlist.h"

#define UNIQUE_MAX 48
/* Folders in folders that are removed; we make only one level. */
#define DEPTH_MAX 8

static int
open_folder(int fd, char const *name)
{
	return openat(
		fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void
unique(char out[UNIQUE_MAX], char const *stem)
{
	unsigned char bytes[8];
	char hex[2 * sizeof bytes + 1];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
	(void)snprintf(out, UNIQUE_MAX, "%s-%s", stem, hex);
}

/* Remove the folder name and all in it; what cannot be removed stays. */
static void
remove_tree(int parent_fd, char const *name, int depth)
{
	int const fd = open_folder(parent_fd, name);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) < 0 && depth < DEPTH_MAX)
			remove_tree(fd, e->d_name, depth + 1);
	}
	closedir(d);
	(void)unlinkat(parent_fd, name, AT_REMOVEDIR);
}

bool
folder_rename(int root_fd, char const *from, char const *to)
{
	if (renameat2(root_fd, from, root_fd, to, RENAME_NOREPLACE) == 0)
		return true;
	/* A file system without the flag: an empty folder alone could be
	 * replaced, and ours are not empty. */
	if (errno == EINVAL)
		return renameat(root_fd, from, root_fd, to) == 0;
	return false;
}

/* Maildir++: the mark of a folder that is not a maildir of its own. */
static bool
make_mark(int folder_fd)
{
	int const fd = openat(folder_fd, "maildirfolder",
		O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd >= 0 && close(fd) == 0;
}

static bool
fill(int root_fd, int tmp_fd, char const *name)
{
	int fd, error;
	bool ok;

	if (!maildir_create(tmp_fd, name))
		return false;
	fd = open_folder(tmp_fd, name);
	if (fd < 0)
		return false;
	ok = make_mark(fd) && resolve_create(root_fd, fd) && fsync(fd) == 0;
	error = errno;
	close(fd);
	errno = error;
	return ok;
}

bool
folder_create(int root_fd, char const *dir)
{
	int const tmp_fd = open_folder(root_fd, "tmp");
	char name[UNIQUE_MAX];
	bool ok;
	int error;

	if (tmp_fd < 0)
		return false;
	if (faccessat(root_fd, dir, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		close(tmp_fd);
		errno = EEXIST;
		return false;
	}
	unique(name, "folder");
	ok = fill(root_fd, tmp_fd, name) &&
	     renameat2(tmp_fd, name, root_fd, dir, RENAME_NOREPLACE) == 0 &&
	     fsync(root_fd) == 0;
	error = errno;
	if (!ok)
		remove_tree(tmp_fd, name, 0);
	close(tmp_fd);
	errno = error;
	return ok;
}

bool
folder_delete(int root_fd, char const *dir)
{
	int const tmp_fd = open_folder(root_fd, "tmp");
	char name[UNIQUE_MAX];
	bool ok;
	int error;

	if (tmp_fd < 0)
		return false;
	unique(name, "deleted");
	ok = renameat(root_fd, dir, tmp_fd, name) == 0;
	error = errno;
	if (ok) {
		ok = fsync(root_fd) == 0;
		error = errno;
		remove_tree(tmp_fd, name, 0);
	}
	close(tmp_fd);
	errno = error;
	return ok;
}

static bool
move_files(int from_fd, int to_fd, char const *sub)
{
	int const from = open_folder(from_fd, sub),
		  to = open_folder(to_fd, sub);
	DIR *const d = from >= 0 ? fdopendir(from) : NULL;
	bool ok = d != NULL && to >= 0;
	struct dirent const *e;

	while (ok && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
			renameat(from, e->d_name, to, e->d_name) < 0)
			ok = errno == ENOENT;
	ok = ok && fsync(to) == 0 && fsync(from) == 0;

	int const error = errno;

	if (d != NULL)
		closedir(d);
	else if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	errno = error;
	return ok;
}

static bool
copy_keywords(int from_fd, int to_fd)
{
	stralloc text = STRALLOC_ZERO;
	int const r = uidlist_read_file(from_fd, "dovecot-keywords", &text);
	bool const ok =
		r == 0 || (r > 0 && uidlist_replace(to_fd, "dovecot-keywords",
					    text.s, text.len));

	stralloc_free(&text);
	return ok;
}

bool
folder_move_messages(int root_fd, char const *from, char const *to)
{
	int const from_fd = open_folder(root_fd, from);
	int const to_fd = open_folder(root_fd, to);
	bool const ok = from_fd >= 0 && to_fd >= 0 &&
			copy_keywords(from_fd, to_fd) &&
			move_files(from_fd, to_fd, "new") &&
			move_files(from_fd, to_fd, "cur");
	int const error = errno;

	if (from_fd >= 0)
		close(from_fd);
	if (to_fd >= 0)
		close(to_fd);
	errno = error;
	return ok;
}
