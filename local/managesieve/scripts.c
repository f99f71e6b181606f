/* The scripts of a mailbox; see scripts.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "local/filter.h"
#include "local/managesieve/scripts.h"
#include "local/sieve/program.h"

/* No script has a name with a dot in front, and no mailbox is a file. */
#define NEW_FILE ".new"
#define NEW_LINK FILTER_ACTIVE ".new"
/* What a file that is active by itself is called. */
#define OWN_NAME "main"

#define FILE_ROOM (SIEVE_NAME_SCRIPT_MAX + sizeof FILTER_SUFFIX)

static void
file_of(char const *name, char file_r[FILE_ROOM])
{
	snprintf(file_r, FILE_ROOM, "%s" FILTER_SUFFIX, name);
}

static bool
name_of(char const *file, char name_r[SIEVE_NAME_SCRIPT_MAX + 1])
{
	size_t const len = strlen(file), suffix = sizeof FILTER_SUFFIX - 1;

	if (len <= suffix || len - suffix > SIEVE_NAME_SCRIPT_MAX ||
		strcmp(file + len - suffix, FILTER_SUFFIX) != 0)
		return false;
	memcpy(name_r, file, len - suffix);
	name_r[len - suffix] = '\0';
	return sieve_name_script(name_r, len - suffix);
}

static int
open_folder(struct scripts const *s, int flags)
{
	return openat(s->root_fd, FILTER_FOLDER,
		flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The folder, made if it is not there, and locked until it is closed. */
static int
lock_folder(struct scripts const *s)
{
	int fd;

	if (mkdirat(s->root_fd, FILTER_FOLDER, 0700) == 0) {
		if (fsync(s->root_fd) < 0)
			return -1;
	} else if (errno != EEXIST) {
		return -1;
	}
	fd = open_folder(s, O_RDONLY);
	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			close(fd);
			return -1;
		}
	return fd;
}

static bool
is_file(int fd, char const *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

static bool
is_there(int folder_fd, char const *name)
{
	char file[FILE_ROOM];

	file_of(name, file);
	return is_file(folder_fd, file);
}

/* What a file at FILTER_ACTIVE is called: a name that no script has. */
static void
own_name(struct scripts const *s, char name_r[SIEVE_NAME_SCRIPT_MAX + 1])
{
	int const fd = open_folder(s, O_PATH);

	snprintf(name_r, SIEVE_NAME_SCRIPT_MAX + 1, "%s", OWN_NAME);
	for (unsigned i = 2; fd >= 0 && is_there(fd, name_r); i++)
		snprintf(name_r, SIEVE_NAME_SCRIPT_MAX + 1, OWN_NAME "-%u", i);
	if (fd >= 0)
		close(fd);
}

/* The active script as it is shown. False: there is none. */
static bool
active_name(struct scripts const *s, char name_r[SIEVE_NAME_SCRIPT_MAX + 1],
	bool *is_own_r)
{
	enum filter_active const kind = filter_active(s->root_fd, name_r);

	*is_own_r = kind == FILTER_FILE && is_file(s->root_fd, FILTER_ACTIVE);
	if (*is_own_r)
		own_name(s, name_r);
	return *is_own_r || kind == FILTER_LINK;
}

static bool
is_active(struct scripts const *s, char const *name)
{
	char active[SIEVE_NAME_SCRIPT_MAX + 1];
	bool is_own;

	return active_name(s, active, &is_own) && strcmp(active, name) == 0;
}

/* Have the link point to a script, whatever stands there now. */
static bool
point_to(struct scripts const *s, char const *name)
{
	char target[sizeof FILTER_FOLDER + FILE_ROOM];

	snprintf(
		target, sizeof target, FILTER_FOLDER "/%s" FILTER_SUFFIX, name);
	if (unlinkat(s->root_fd, NEW_LINK, 0) < 0 && errno != ENOENT)
		return false;
	return symlinkat(target, s->root_fd, NEW_LINK) == 0 &&
	       renameat(s->root_fd, NEW_LINK, s->root_fd, FILTER_ACTIVE) == 0 &&
	       fsync(s->root_fd) == 0;
}

/* A file at FILTER_ACTIVE becomes one of the scripts. False: errno. */
static bool
adopt(struct scripts const *s, int folder_fd)
{
	char name[SIEVE_NAME_SCRIPT_MAX + 1], file[FILE_ROOM];
	bool is_own;

	if (!active_name(s, name, &is_own) || !is_own)
		return true;
	file_of(name, file);
	return linkat(s->root_fd, FILTER_ACTIVE, folder_fd, file, 0) == 0 &&
	       fsync(folder_fd) == 0 && point_to(s, name);
}

/* For a change: the folder, locked, where all scripts are. -1: errno. */
static int
begin(struct scripts const *s)
{
	int const fd = lock_folder(s);

	if (fd < 0 || adopt(s, fd))
		return fd;
	close(fd);
	return -1;
}

static enum scripts_result
end(int folder_fd, enum scripts_result r)
{
	int const error = errno;

	close(folder_fd);
	errno = error;
	return r;
}

bool
scripts_list(struct scripts const *s,
	void (*show)(void *data, char const *name, bool is_active), void *data)
{
	char active[SIEVE_NAME_SCRIPT_MAX + 1], name[SIEVE_NAME_SCRIPT_MAX + 1];
	bool is_own;
	bool const has_active = active_name(s, active, &is_own);
	int const fd = open_folder(s, O_RDONLY);
	bool const is_empty = fd < 0 && errno == ENOENT;
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;

	if (fd >= 0 && d == NULL)
		close(fd);
	if (d == NULL && !is_empty)
		return false;
	if (has_active && is_own)
		show(data, active, true);
	if (d == NULL)
		return true;
	while ((e = readdir(d)) != NULL)
		if (name_of(e->d_name, name) && is_file(fd, e->d_name))
			show(data, name,
				has_active && strcmp(name, active) == 0);
	closedir(d);
	return true;
}

enum scripts_result
scripts_read(struct scripts const *s, char const *name, stralloc *text)
{
	char active[SIEVE_NAME_SCRIPT_MAX + 1];
	bool is_own;
	int r;

	if (active_name(s, active, &is_own) && is_own &&
		strcmp(active, name) == 0)
		r = filter_read(s->root_fd, text, NULL);
	else
		r = filter_read_script(s->root_fd, name, text);
	return r > 0 ? SCRIPTS_OK : r == 0 ? SCRIPTS_NONE : SCRIPTS_FAILED;
}

bool
scripts_exist(struct scripts const *s, char const *name)
{
	char active[SIEVE_NAME_SCRIPT_MAX + 1];
	int const fd = open_folder(s, O_PATH);
	bool is_own;
	bool found = fd >= 0 && is_there(fd, name);

	if (fd >= 0)
		close(fd);
	/* The link may point to nothing. */
	return found || (active_name(s, active, &is_own) && is_own &&
				strcmp(active, name) == 0);
}

static void
count(void *data, char const *name, bool active)
{
	(void)name;
	(void)active;
	++*(unsigned *)data;
}

enum scripts_result
scripts_room(struct scripts const *s, char const *name, uint64_t size)
{
	unsigned there = 0;

	if (size > SIEVE_SCRIPT_MAX)
		return SCRIPTS_TOO_LARGE;
	if (scripts_exist(s, name))
		return SCRIPTS_OK;
	if (!scripts_list(s, count, &there))
		return SCRIPTS_FAILED;
	return there < SCRIPTS_MAX ? SCRIPTS_OK : SCRIPTS_TOO_MANY;
}

static bool
write_file(int folder_fd, char const *text, size_t len)
{
	int fd;
	bool ok;

	if (unlinkat(folder_fd, NEW_FILE, 0) < 0 && errno != ENOENT)
		return false;
	fd = openat(folder_fd, NEW_FILE,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = allwrite(fd, text, len) == len && fsync(fd) == 0;
	if (close(fd) < 0)
		ok = false;
	return ok;
}

enum scripts_result
scripts_write(
	struct scripts const *s, char const *name, char const *text, size_t len)
{
	char file[FILE_ROOM];
	int const fd = begin(s);
	enum scripts_result r;

	if (fd < 0)
		return SCRIPTS_FAILED;
	r = scripts_room(s, name, len);
	if (r != SCRIPTS_OK)
		return end(fd, r);
	file_of(name, file);
	if (write_file(fd, text, len) &&
		renameat(fd, NEW_FILE, fd, file) == 0 && fsync(fd) == 0)
		return end(fd, SCRIPTS_OK);
	return end(fd, SCRIPTS_FAILED);
}

enum scripts_result
scripts_activate(struct scripts const *s, char const *name)
{
	int const fd = begin(s);

	if (fd < 0)
		return SCRIPTS_FAILED;
	if (name == NULL) {
		if ((unlinkat(s->root_fd, FILTER_ACTIVE, 0) == 0 ||
			    errno == ENOENT) &&
			fsync(s->root_fd) == 0)
			return end(fd, SCRIPTS_OK);
		return end(fd, SCRIPTS_FAILED);
	}
	if (!is_there(fd, name))
		return end(fd, SCRIPTS_NONE);
	return end(fd, point_to(s, name) ? SCRIPTS_OK : SCRIPTS_FAILED);
}

enum scripts_result
scripts_delete(struct scripts const *s, char const *name)
{
	char file[FILE_ROOM];
	int const fd = begin(s);

	if (fd < 0)
		return SCRIPTS_FAILED;
	if (!is_there(fd, name))
		return end(fd, SCRIPTS_NONE);
	if (is_active(s, name))
		return end(fd, SCRIPTS_IS_ACTIVE);
	file_of(name, file);
	return end(fd, unlinkat(fd, file, 0) == 0 && fsync(fd) == 0
			       ? SCRIPTS_OK
			       : SCRIPTS_FAILED);
}

/* The active script has two names for a moment, so that the link never points
 * to nothing. */
static enum scripts_result
move(struct scripts const *s, int fd, char const *name, char const *to)
{
	char from_file[FILE_ROOM], to_file[FILE_ROOM];

	if (!is_there(fd, name))
		return SCRIPTS_NONE;
	file_of(name, from_file);
	file_of(to, to_file);
	if (linkat(fd, from_file, fd, to_file, 0) < 0)
		return errno == EEXIST ? SCRIPTS_EXISTS : SCRIPTS_FAILED;
	if (fsync(fd) < 0 || (is_active(s, name) && !point_to(s, to)))
		return SCRIPTS_FAILED;
	return unlinkat(fd, from_file, 0) == 0 && fsync(fd) == 0
		       ? SCRIPTS_OK
		       : SCRIPTS_FAILED;
}

enum scripts_result
scripts_rename(struct scripts const *s, char const *name, char const *to)
{
	int const fd = begin(s);

	return fd < 0 ? SCRIPTS_FAILED : end(fd, move(s, fd, name, to));
}
