/* Writing into a Maildir++ folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>
#include "common/id.h"
#include "common/maildir.h"

/* Octets of the host's name that are kept: the rest of a name has room. */
#define HOST_MAX 96

static void
fail(struct maildir_writer *w)
{
	if (!w->failed)
		w->error = errno;
	w->failed = true;
}

static bool
make_folder(int parent_fd, char const *name, bool *made)
{
	if (mkdirat(parent_fd, name, 0700) == 0)
		*made = true;
	else if (errno != EEXIST)
		return false;
	return true;
}

static int
open_folder(int parent_fd, char const *name)
{
	return openat(parent_fd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool
maildir_create(int parent_fd, char const *dir)
{
	bool made_dir = false, made_sub = false, ok;
	int fd, error;

	if (!make_folder(parent_fd, dir, &made_dir))
		return false;
	fd = open_folder(parent_fd, dir);
	if (fd < 0)
		return false;
	ok = make_folder(fd, "tmp", &made_sub) &&
	     make_folder(fd, "new", &made_sub) &&
	     make_folder(fd, "cur", &made_sub) &&
	     (!made_sub || fsync(fd) == 0) &&
	     (!made_dir || fsync(parent_fd) == 0);
	error = errno;
	close(fd);
	errno = error;
	return ok;
}

static void
clean_host(char out[HOST_MAX + 1], char const *host)
{
	size_t i = 0;

	for (; i < HOST_MAX && host[i] != '\0'; i++) {
		unsigned char c = (unsigned char)host[i];
		bool bad = c <= ' ' || c >= 127 || c == '/' || c == ':' ||
			   c == ',';
		out[i] = bad ? '_' : (char)c;
	}
	out[i] = '\0';
}

static void
make_name(struct maildir_writer *w, char const *host, char const *id)
{
	char clean[HOST_MAX + 1], random[2 * 8 + 1];
	unsigned char bytes[8];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(random, sizeof random, bytes, sizeof bytes);
	clean_host(clean, host);
	int n = snprintf(w->name, sizeof w->name, "%lld.M%06ldP%ld%s%sR%s.%s",
		(long long)now.tv_sec, now.tv_nsec / 1000, (long)getpid(),
		id != NULL ? "Q" : "", id != NULL ? id : "", random, clean);
	w->name_len = (size_t)n;
}

bool
maildir_begin(struct maildir_writer *w, int folder_fd, char const *host,
	char const *id)
{
	char path[4 + sizeof w->name];

	w->folder_fd = folder_fd;
	w->fd = -1;
	w->failed = w->held_cr = w->ends_cr = false;
	w->error = 0;
	w->size = w->lines = 0;
	w->used = w->name_len = 0;
	if (id != NULL && !id_valid(id, strlen(id))) {
		errno = EINVAL;
		return false;
	}
	for (int tries = 0; tries < 10; tries++) {
		make_name(w, host, id);
		snprintf(path, sizeof path, "tmp/%s", w->name);
		w->fd = openat(folder_fd, path,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
		if (w->fd >= 0 || errno != EEXIST)
			break;
	}
	return w->fd >= 0;
}

static void
flush(struct maildir_writer *w)
{
	size_t at = 0;

	while (!w->failed && at < w->used) {
		ssize_t n = write(w->fd, w->buffer + at, w->used - at);
		if (n >= 0)
			at += (size_t)n;
		else if (errno != EINTR)
			fail(w);
	}
	w->used = 0;
}

/* Keeps s as it is. */
static void
keep(struct maildir_writer *w, char const *s, size_t len)
{
	if (len == 0)
		return;
	for (size_t i = 0; i < len; i++)
		w->lines += s[i] == '\n';
	/* An LF that follows a kept CR is sent as it is, not as CRLF. */
	if (s[0] == '\n' && w->ends_cr)
		w->lines--;
	w->ends_cr = s[len - 1] == '\r';
	w->size += len;
	while (len > 0 && !w->failed) {
		size_t n = sizeof w->buffer - w->used;
		if (n > len)
			n = len;
		memcpy(w->buffer + w->used, s, n);
		w->used += n;
		s += n;
		len -= n;
		if (w->used == sizeof w->buffer)
			flush(w);
	}
}

void
maildir_write(struct maildir_writer *w, char const *s, size_t len)
{
	while (len > 0 && !w->failed) {
		if (w->held_cr && *s != '\n')
			keep(w, "\r", 1);
		w->held_cr = false;
		char const *cr = memchr(s, '\r', len);
		size_t n = cr != NULL ? (size_t)(cr - s) : len;
		keep(w, s, n);
		if (cr == NULL)
			return;
		w->held_cr = true;
		s += n + 1;
		len -= n + 1;
	}
}

/* Renames without replacing, also on a file system that knows no flag. */
static bool
move(int folder_fd, char const *from, char const *to)
{
	if (renameat2(folder_fd, from, folder_fd, to, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (linkat(folder_fd, from, folder_fd, to, 0) < 0)
		return false;
	(void)unlinkat(folder_fd, from, 0);
	return true;
}

static bool
rename_final(struct maildir_writer *w, char const *flags)
{
	char from[4 + sizeof w->name], to[4 + sizeof w->name];
	size_t room = sizeof w->name - w->name_len;
	int n;

	snprintf(from, sizeof from, "tmp/%s", w->name);
	n = snprintf(w->name + w->name_len, room, ",S=%llu,W=%llu%s%s",
		(unsigned long long)w->size,
		(unsigned long long)(w->size + w->lines),
		flags != NULL ? ":2," : "", flags != NULL ? flags : "");
	if (n < 0 || (size_t)n >= room) {
		w->name[w->name_len] = '\0';
		errno = ENAMETOOLONG;
		return false;
	}
	snprintf(
		to, sizeof to, "%s/%s", flags != NULL ? "cur" : "new", w->name);
	if (move(w->folder_fd, from, to))
		return true;
	w->name[w->name_len] = '\0';
	return false;
}

void
maildir_push(struct maildir_writer *w)
{
	if (w->held_cr)
		keep(w, "\r", 1);
	w->held_cr = false;
	flush(w);
	/* Without it each fsync would commit its own file's blocks alone. A
	 * hint: what it can't do, fsync does. */
	if (!w->failed)
		(void)sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void
maildir_harden(struct maildir_writer *w)
{
	int fd = w->fd;

	if (fd < 0)
		return;
	if (w->held_cr)
		keep(w, "\r", 1);
	w->held_cr = false;
	flush(w);
	if (!w->failed && fsync(fd) < 0)
		fail(w);
	/* The descriptor is gone whatever close says. */
	w->fd = -1;
	if (close(fd) < 0)
		fail(w);
}

bool
maildir_commit(struct maildir_writer *w, char const *flags)
{
	maildir_harden(w);
	if (!w->failed && !rename_final(w, flags))
		fail(w);
	if (w->failed) {
		maildir_abort(w);
		errno = w->error;
		return false;
	}
	w->name_len = 0;
	return true;
}

void
maildir_abort(struct maildir_writer *w)
{
	char path[4 + sizeof w->name];

	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	if (w->name_len == 0)
		return;
	snprintf(path, sizeof path, "tmp/%s", w->name);
	(void)unlinkat(w->folder_fd, path, 0);
	w->name_len = 0;
}

bool
maildir_sync(int folder_fd, char const *sub)
{
	int fd = open_folder(folder_fd, sub), error;
	bool ok;

	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	error = errno;
	close(fd);
	errno = error;
	return ok;
}
