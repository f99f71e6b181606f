/* The messages of one maildir, as one POP3 session sees them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "pop3d/filename.h"
#include "pop3d/lines.h"
#include "pop3d/maildrop.h"

#define LOCK_TRY_MS 100
#define SCANS_MAX 8
/* Two changes within this time may leave one time stamp (the clock's tick). */
#define TICK_MS 20

enum { CUR, NEW };
static char const *const dir_names[] = {[CUR] = "cur", [NEW] = "new"};

bool
pop3_maildrop_lock(struct pop3_maildrop *m, int folder_fd, int wait_ms)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	*m = (struct pop3_maildrop){.folder_fd = folder_fd,
		.dir_fds = {-1, -1},
		.names = STRALLOC_ZERO};
	m->lock_fd = openat(folder_fd, POP3_LOCK_NAME,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (m->lock_fd < 0)
		return false;
	/* A client that lost its connection may be back before the old session
	 * has noticed. */
	while (fcntl(m->lock_fd, F_SETLK, &lock) < 0) {
		if (errno == EACCES)
			errno = EAGAIN;
		if (errno != EAGAIN || wait_ms <= 0)
			return false;
		(void)poll(NULL, 0, LOCK_TRY_MS);
		wait_ms -= LOCK_TRY_MS;
	}
	return true;
}

char const *
pop3_maildrop_name(
	struct pop3_maildrop const *m, struct pop3_message const *message)
{
	return m->names.s + message->name;
}

static bool
look(struct pop3_maildrop const *m, struct pop3_stamps *s_r)
{
	struct stat st;

	memset(s_r, 0, sizeof *s_r);
	for (size_t i = 0; i < 2; i++) {
		if (fstat(m->dir_fds[i], &st) < 0)
			return false;
		s_r->modified[i] = st.st_mtim;
		s_r->changed[i] = st.st_ctim;
	}
	return true;
}

static bool
is_fresh(struct pop3_stamps const *s)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < 2; i++) {
		int64_t age_ms =
			(int64_t)(now.tv_sec - s->changed[i].tv_sec) * 1000 +
			(now.tv_nsec - s->changed[i].tv_nsec) / 1000000;
		if (age_ms >= 0 && age_ms < TICK_MS)
			return true;
	}
	return false;
}

/* Called for each file; false: stop, errno. */
typedef bool found_function(
	struct pop3_maildrop *m, char const *name, bool in_new);

static bool
read_dir(struct pop3_maildrop *m, int which, found_function *found)
{
	/* A description of its own: readdir moves an offset. */
	int fd = openat(
		m->dir_fds[which], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent const *entry;
	bool ok = true;
	int error;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	errno = 0;
	while (ok && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' &&
			(entry->d_type == DT_REG ||
				entry->d_type == DT_UNKNOWN))
			ok = found(m, entry->d_name, which == NEW);
		if (ok)
			errno = 0;
	}
	ok = ok && errno == 0;
	error = errno;
	closedir(dir);
	errno = error;
	return ok;
}

static bool
add_name(struct pop3_maildrop *m, char const *name, uint32_t *offset_r)
{
	size_t len = strlen(name) + 1;

	if (m->names.len > UINT32_MAX - len) {
		errno = EOVERFLOW;
		return false;
	}
	*offset_r = (uint32_t)m->names.len;
	return stralloc_catb(&m->names, name, len);
}

static bool
add_message(struct pop3_maildrop *m, char const *name, bool in_new)
{
	struct pop3_message message = {.in_new = in_new};

	/* Room grows in powers of two. */
	if ((m->count & (m->count - 1)) == 0) {
		size_t room = m->count == 0 ? 1 : m->count * 2;
		void *more =
			reallocarray(m->messages, room, sizeof *m->messages);
		if (more == NULL)
			return false;
		m->messages = more;
	}
	message.has_size =
		pop3_filename_size(name, strlen(name), &message.size);
	if (!add_name(m, name, &message.name))
		return false;
	m->messages[m->count++] = message;
	return true;
}

/* By the names without flags: what a renamed file keeps. */
static int
compare_bases(char const *a, char const *b)
{
	size_t a_len = pop3_filename_base(a, strlen(a));
	size_t b_len = pop3_filename_base(b, strlen(b));
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

static int
compare(void const *a, void const *b, void *data)
{
	struct pop3_maildrop const *m = data;
	char const *a_name = pop3_maildrop_name(m, a);
	char const *b_name = pop3_maildrop_name(m, b);
	int c = compare_bases(a_name, b_name);

	return c != 0 ? c : strcmp(a_name, b_name);
}

/* One whole reading. 1 nothing changed meanwhile, 0 something did, -1 errno. */
static int
scan_once(struct pop3_maildrop *m)
{
	struct pop3_stamps after;

	m->count = 0;
	m->names.len = 0;
	if (!look(m, &m->seen))
		return -1;
	if (is_fresh(&m->seen)) {
		(void)poll(NULL, 0, TICK_MS);
		if (!look(m, &m->seen))
			return -1;
	}
	if (!read_dir(m, NEW, add_message) || !read_dir(m, CUR, add_message) ||
		!look(m, &after))
		return -1;
	return memcmp(&m->seen, &after, sizeof after) == 0;
}

/* A folder that never stands still may show a renamed file twice. */
static void
drop_twins(struct pop3_maildrop *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++)
		if (kept == 0 ||
			compare_bases(
				pop3_maildrop_name(m, &m->messages[kept - 1]),
				pop3_maildrop_name(m, &m->messages[i])) != 0)
			m->messages[kept++] = m->messages[i];
	m->count = kept;
}

bool
pop3_maildrop_scan(struct pop3_maildrop *m)
{
	int r = 0;

	for (size_t i = 0; i < 2; i++) {
		m->dir_fds[i] = openat(m->folder_fd, dir_names[i],
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (m->dir_fds[i] < 0)
			return false;
	}
	for (unsigned i = 0; i < SCANS_MAX && r == 0; i++)
		r = scan_once(m);
	if (r < 0)
		return false;
	if (m->count > 0)
		qsort_r(m->messages, m->count, sizeof *m->messages, compare, m);
	if (r == 0)
		drop_twins(m);
	return true;
}

/* A file that the folders hold now: if it is one of ours, keep its name. */
static bool
note_rename(struct pop3_maildrop *m, char const *name, bool in_new)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct pop3_message *message = &m->messages[middle];
		char const *old = pop3_maildrop_name(m, message);
		int c = compare_bases(name, old);

		if (c == 0) {
			message->in_new = in_new;
			return strcmp(name, old) == 0 ||
			       add_name(m, name, &message->name);
		}
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return true;
}

/* False: the folders hold what they held when they were last read. */
static bool
find_renamed(struct pop3_maildrop *m)
{
	struct pop3_stamps now;

	if (!look(m, &now) ||
		(memcmp(&now, &m->seen, sizeof now) == 0 && !is_fresh(&now)))
		return false;
	m->seen = now;
	return read_dir(m, NEW, note_rename) && read_dir(m, CUR, note_rename);
}

static int
open_file(struct pop3_maildrop const *m, struct pop3_message const *message)
{
	struct stat st;
	int fd = openat(m->dir_fds[message->in_new ? NEW : CUR],
		pop3_maildrop_name(m, message),
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = ENOENT;
		return -1;
	}
	return fd;
}

int
pop3_maildrop_open(struct pop3_maildrop *m, struct pop3_message *message)
{
	int fd = open_file(m, message);

	if (fd >= 0 || errno != ENOENT || !find_renamed(m))
		return fd;
	return open_file(m, message);
}

static void
count(void *data, char const *s, size_t len)
{
	uint64_t *size = data;

	(void)s;
	*size += len;
}

uint64_t
pop3_maildrop_size(struct pop3_maildrop *m, struct pop3_message *message)
{
	struct pop3_lines lines;
	char s[16384];
	ssize_t r;
	int fd;

	if (message->has_size)
		return message->size;
	message->size = 0;
	message->has_size = true;
	fd = pop3_maildrop_open(m, message);
	if (fd < 0)
		return 0;
	pop3_lines_start(&lines, count, &message->size, false);
	while ((r = read(fd, s, sizeof s)) > 0)
		(void)pop3_lines_push(&lines, s, (size_t)r);
	pop3_lines_end(&lines);
	close(fd);
	return message->size;
}

/* Those still marked. Returns 0 or errno; ENOENT: some were not found under
 * their names. */
static int
unlink_deleted(struct pop3_maildrop *m)
{
	int error = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct pop3_message *message = &m->messages[i];

		if (!message->deleted)
			continue;
		if (unlinkat(m->dir_fds[message->in_new ? NEW : CUR],
			    pop3_maildrop_name(m, message), 0) == 0)
			message->deleted = false;
		else if (error == 0 || error == ENOENT)
			error = errno;
	}
	return error;
}

bool
pop3_maildrop_expunge(struct pop3_maildrop *m)
{
	int error;

	if (m->deleted_count == 0)
		return true;
	error = unlink_deleted(m);
	if (error == ENOENT && find_renamed(m))
		error = unlink_deleted(m);
	if (error == ENOENT)
		error = 0;
	for (size_t i = 0; i < 2; i++)
		if (fsync(m->dir_fds[i]) < 0)
			error = errno;
	errno = error;
	return error == 0;
}
