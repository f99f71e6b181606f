/* dovecot-uidlist: its text and its lock; see uidlist.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>

#include "common/uidlist.h"

#define LOCK_FILE UIDLIST_FILE ".lock"
/* What our lock files hold; those of others hold something else or nothing. */
#define LOCK_MARK "kereru\n"
#define SUFFIX_MAX 64

static bool
number(char const *s, size_t len, size_t *pos, uint32_t *n_r)
{
	uint64_t n = 0;
	size_t const start = *pos;

	for (; *pos < len && s[*pos] >= '0' && s[*pos] <= '9'; (*pos)++) {
		n = n * 10 + (uint64_t)(s[*pos] - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*n_r = (uint32_t)n;
	return *pos > start;
}

static void
skip_word(char const *s, size_t len, size_t *pos)
{
	while (*pos < len && s[*pos] != ' ')
		(*pos)++;
	while (*pos < len && s[*pos] == ' ')
		(*pos)++;
}

bool
uidlist_parse_header(char const *s, size_t len, struct uidlist_header *header_r)
{
	struct uidlist_header h = {0};
	size_t pos = 2;

	if (len < 4 || (s[0] != '1' && s[0] != '3') || s[1] != ' ')
		return false;
	h.version = s[0] - '0';
	if (h.version == 1) {
		if (!number(s, len, &pos, &h.validity) || pos == len ||
			s[pos++] != ' ' || !number(s, len, &pos, &h.next))
			return false;
	}
	while (h.version == 3 && pos < len) {
		char const key = s[pos++];
		uint32_t n;

		if ((key == 'V' || key == 'N') && !number(s, len, &pos, &n))
			return false;
		if (key == 'V')
			h.validity = n;
		else if (key == 'N')
			h.next = n;
		if (key == 'G') {
			char const *const end = memchr(s + pos, ' ', len - pos);

			h.guid = s + pos;
			h.guid_len = end != NULL ? (size_t)(end - h.guid)
						 : len - pos;
		}
		skip_word(s, len, &pos);
	}
	*header_r = h;
	return h.validity != 0 && h.next != 0;
}

bool
uidlist_parse_line(
	char const *s, size_t len, int version, struct uidlist_line *line_r)
{
	struct uidlist_line line = {0};
	char const *colon;
	size_t pos = 0;

	if (!number(s, len, &pos, &line.uid) || line.uid == 0 || pos == len ||
		s[pos] != ' ')
		return false;
	while (pos < len && s[pos] == ' ')
		pos++;
	while (version == 3 && pos < len && s[pos] != ':')
		skip_word(s, len, &pos);
	if (version == 3 && (pos == len || s[pos++] != ':'))
		return false;
	line.name = s + pos;
	colon = memchr(line.name, ':', len - pos);
	line.name_len = colon != NULL ? (size_t)(colon - line.name) : len - pos;
	*line_r = line;
	return line.name_len > 0 && line.name_len <= 255 &&
	       memchr(line.name, '/', line.name_len) == NULL &&
	       memchr(line.name, '\0', line.name_len) == NULL;
}

static int
read_from(int folder_fd, char const *file, uint64_t from, stralloc *sa,
	struct stamp *stamp_r)
{
	int const fd = openat(folder_fd, file,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int result = -1, error;

	*stamp_r = (struct stamp){0};
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	/* A file that is replaced meanwhile has a stamp of its own. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		stamp_get_open(fd, stamp_r) &&
		lseek(fd, (off_t)from, SEEK_SET) >= 0 &&
		stralloc_readyplus(sa, (size_t)st.st_size + 1)) {
		ssize_t n = 1;

		while (n > 0) {
			/* One octet more shows whether it has grown. */
			if (!stralloc_readyplus(sa, 1))
				break;
			n = read(fd, sa->s + sa->len, sa->a - sa->len);
			if (n > 0)
				sa->len += (size_t)n;
			else if (n < 0 && errno == EINTR)
				n = 1;
		}
		result = n == 0 ? 1 : -1;
	}
	error = errno;
	close(fd);
	errno = error;
	return result;
}

int
uidlist_read_file(int folder_fd, char const *file, stralloc *sa)
{
	struct stamp stamp;

	return read_from(folder_fd, file, 0, sa, &stamp);
}

int
uidlist_read_from(
	int folder_fd, uint64_t from, stralloc *sa, struct stamp *stamp_r)
{
	return read_from(folder_fd, UIDLIST_FILE, from, sa, stamp_r);
}

int
uidlist_read(int folder_fd, stralloc *sa)
{
	return uidlist_read_file(folder_fd, UIDLIST_FILE, sa);
}

static bool
write_all(int fd, char const *s, size_t len)
{
	while (len > 0) {
		ssize_t const n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s += n;
		len -= (size_t)n;
	}
	return true;
}

static void
unique(char out[SUFFIX_MAX + 1], char const *stem)
{
	unsigned char bytes[8];
	char hex[2 * sizeof bytes + 1];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
	(void)snprintf(out, SUFFIX_MAX + 1, "%s.%s", stem, hex);
}

static bool
fcntl_lock(int fd)
{
	struct flock const whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &whole) == 0;
}

/* Does the lock file still stand for the file that is open on fd? */
static bool
still_there(int folder_fd, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 &&
	       fstatat(folder_fd, LOCK_FILE, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A file that is complete and locked gets its name by link: nobody ever sees
 * a lock file of ours without its holder's fcntl lock. */
static int
make_lock(int folder_fd, char const *temporary)
{
	int const fd = openat(folder_fd, temporary,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return -1;
	if (write_all(fd, LOCK_MARK, strlen(LOCK_MARK)) && fcntl_lock(fd) &&
		linkat(folder_fd, temporary, folder_fd, LOCK_FILE, 0) == 0) {
		(void)unlinkat(folder_fd, temporary, 0);
		return fd;
	}
	error = errno;
	(void)unlinkat(folder_fd, temporary, 0);
	close(fd);
	errno = error;
	return -1;
}

/* The lock file of a dead process of ours: take it over. */
static int
take_over(int folder_fd)
{
	char mark[sizeof LOCK_MARK] = "";
	int const fd = openat(folder_fd, LOCK_FILE,
		O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (pread(fd, mark, sizeof mark, 0) == (ssize_t)strlen(LOCK_MARK) &&
		memcmp(mark, LOCK_MARK, strlen(LOCK_MARK)) == 0 &&
		fcntl_lock(fd) && still_there(folder_fd, fd))
		return fd;
	close(fd);
	return -1;
}

/* The lock file of another program that has long been dead is moved away, and
 * looked at again: it may have been renewed in between. */
static void
break_stale(int folder_fd)
{
	char away[SUFFIX_MAX + 1];
	struct stat before, after;

	if (fstatat(folder_fd, LOCK_FILE, &before, AT_SYMLINK_NOFOLLOW) < 0 ||
		before.st_mtime + UIDLIST_STALE_S > time(NULL) ||
		before.st_ctime + UIDLIST_STALE_S > time(NULL))
		return;
	unique(away, LOCK_FILE);
	if (renameat(folder_fd, LOCK_FILE, folder_fd, away) < 0)
		return;
	if (fstatat(folder_fd, away, &after, AT_SYMLINK_NOFOLLOW) == 0 &&
		(after.st_dev != before.st_dev ||
			after.st_ino != before.st_ino) &&
		linkat(folder_fd, away, folder_fd, LOCK_FILE, 0) < 0)
		return;
	(void)unlinkat(folder_fd, away, 0);
}

bool
uidlist_lock(int folder_fd, int *lock_r)
{
	char temporary[SUFFIX_MAX + 1];
	long waited_ms = 0, pause_ms = 1;

	for (;;) {
		unique(temporary, LOCK_FILE);
		*lock_r = make_lock(folder_fd, temporary);
		if (*lock_r >= 0)
			return true;
		if (errno != EEXIST)
			return false;
		*lock_r = take_over(folder_fd);
		if (*lock_r >= 0)
			return true;
		break_stale(folder_fd);
		if (waited_ms >= UIDLIST_WAIT_MS) {
			errno = EAGAIN;
			return false;
		}
		struct timespec const t = {.tv_nsec = pause_ms * 1000000};

		nanosleep(&t, NULL);
		waited_ms += pause_ms;
		pause_ms = pause_ms < 32 ? pause_ms * 2 : pause_ms;
	}
}

void
uidlist_unlock(int folder_fd, int lock)
{
	if (still_there(folder_fd, lock))
		(void)unlinkat(folder_fd, LOCK_FILE, 0);
	close(lock);
}

bool
uidlist_append(int folder_fd, char const *text, size_t len)
{
	int const fd = openat(folder_fd, UIDLIST_FILE,
		O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int error;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0)
		goto fail;
	if (!write_all(fd, text, len) || fdatasync(fd) < 0) {
		error = errno;
		/* Half a line must not stay; if it must, who appends next
		 * cuts it off. */
		bool const undone = ftruncate(fd, st.st_size) == 0;
		errno = undone ? error : EIO;
		goto fail;
	}
	return close(fd) == 0;
fail:
	error = errno;
	close(fd);
	errno = error;
	return false;
}

bool
uidlist_replace(int folder_fd, char const *file, char const *text, size_t len)
{
	char temporary[SUFFIX_MAX + 1];
	int fd, error;

	unique(temporary, file);
	fd = openat(folder_fd, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (!write_all(fd, text, len) || fsync(fd) < 0) {
		error = errno;
		close(fd);
		goto fail;
	}
	if (close(fd) < 0 ||
		renameat(folder_fd, temporary, folder_fd, file) < 0) {
		error = errno;
		goto fail;
	}
	/* Else a cut could bring the old one back, and UIDs twice. */
	return fsync(folder_fd) == 0;
fail:
	(void)unlinkat(folder_fd, temporary, 0);
	errno = error;
	return false;
}

bool
uidlist_header_make(stralloc *sa, uint32_t validity, uint32_t next)
{
	unsigned char id[16];
	char hex[2 * sizeof id + 1], line[96];

	randombytes_buf(id, sizeof id);
	sodium_bin2hex(hex, sizeof hex, id, sizeof id);
	(void)snprintf(line, sizeof line, "3 V%lu N%lu G%s\n",
		(unsigned long)validity, (unsigned long)next, hex);
	return stralloc_cats(sa, line);
}
