/* The file maildirsize; see quota.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/stralloc.h>

#include "common/filename.h"
#include "common/quota.h"
#include "common/uidlist.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* "-12": true with what is read at *pos, which moves on. */
static bool
number(char const *s, size_t len, size_t *pos, int64_t *n_r)
{
	bool const negative = *pos < len && s[*pos] == '-';
	size_t const start = *pos += negative;
	int64_t n = 0;

	for (; *pos < len && s[*pos] >= '0' && s[*pos] <= '9'; ++*pos)
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, s[*pos] - '0', &n))
			return false;
	*n_r = negative ? -n : n;
	return *pos > start;
}

bool
quota_parse_limits(char const *s, size_t len, struct quota *q_r)
{
	int64_t n;

	*q_r = (struct quota){0};
	for (size_t pos = 0; pos < len; pos++) {
		if (!number(s, len, &pos, &n) || n < 0 || pos == len)
			return false;
		if (s[pos] == 'S')
			q_r->max_octets = (uint64_t)n;
		else if (s[pos] == 'C')
			q_r->max_messages = (uint64_t)n;
		else
			return false;
		pos++;
		if (pos < len && s[pos] != ',')
			return false;
	}
	return true;
}

/* "1234 1", with blanks in front and between as others pad it. */
static bool
add_line(char const *s, size_t len, struct quota *q)
{
	int64_t octets, messages;
	size_t pos = 0;

	while (pos < len && s[pos] == ' ')
		pos++;
	if (!number(s, len, &pos, &octets))
		return false;
	while (pos < len && s[pos] == ' ')
		pos++;
	return number(s, len, &pos, &messages) &&
	       !__builtin_add_overflow(q->octets, octets, &q->octets) &&
	       !__builtin_add_overflow(q->messages, messages, &q->messages);
}

bool
quota_parse(char const *s, size_t len, struct quota *q_r)
{
	char const *const lf = len > 0 ? memchr(s, '\n', len) : NULL;
	size_t pos = lf != NULL ? (size_t)(lf - s) : len;
	bool ok;

	*q_r = (struct quota){0};
	ok = quota_parse_limits(s, pos, q_r) && lf != NULL;
	for (pos++; ok && pos < len;) {
		char const *const end = memchr(s + pos, '\n', len - pos);

		ok = end != NULL &&
		     add_line(s + pos, (size_t)(end - (s + pos)), q_r);
		if (ok)
			pos = (size_t)(end - s) + 1;
	}
	return ok && q_r->octets >= 0 && q_r->messages >= 0;
}

uint64_t
quota_size(char const *name)
{
	struct filename f;
	uint64_t size;

	filename_parse(name, strlen(name), &f);
	return filename_size(name, f.base_len, 'S', &size) ? size : 0;
}

static bool
count_files(int folder_fd, char const *sub, struct quota *q)
{
	int const fd = openat(folder_fd, sub, FOLDER_FLAGS);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;

	/* A folder that is no maildir has nothing to count. */
	if (d == NULL)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	while ((e = readdir(d)) != NULL) {
		uint64_t size = quota_size(e->d_name);
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		if (size == 0) {
			if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) <
				0)
				continue;
			size = (uint64_t)st.st_size;
		}
		q->octets += (int64_t)size;
		q->messages++;
	}
	closedir(d);
	return true;
}

static bool
count_folder(int root_fd, char const *name, struct quota *q)
{
	int const fd = openat(root_fd, name, FOLDER_FLAGS);
	bool ok;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	ok = count_files(fd, "cur", q) && count_files(fd, "new", q);
	close(fd);
	return ok;
}

static bool
count_all(int root_fd, struct quota *q)
{
	int const fd = openat(root_fd, ".", FOLDER_FLAGS);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	bool ok = d != NULL && count_folder(root_fd, ".", q);
	struct dirent const *e;

	while (ok && (e = readdir(d)) != NULL)
		if (e->d_name[0] == '.' && strcmp(e->d_name, ".") != 0 &&
			strcmp(e->d_name, "..") != 0)
			ok = count_folder(root_fd, e->d_name, q);
	if (d != NULL)
		closedir(d);
	return ok;
}

/* The limits stay as they are written. */
static bool
count_anew(int root_fd, stralloc *text, struct quota *q)
{
	char const *const lf = memchr(text->s, '\n', text->len);
	char line[64];

	if (lf == NULL)
		return false;
	text->len = (size_t)(lf - text->s) + 1;
	q->octets = q->messages = 0;
	if (!count_all(root_fd, q))
		return false;
	(void)snprintf(line, sizeof line, "%lld %lld\n", (long long)q->octets,
		(long long)q->messages);
	return stralloc_cats(text, line) &&
	       uidlist_replace(root_fd, QUOTA_FILE, text->s, text->len);
}

int
quota_read(int root_fd, struct quota *q_r)
{
	stralloc text = STRALLOC_ZERO;
	struct stat st;
	int r = uidlist_read_file(root_fd, QUOTA_FILE, &text);
	bool good;

	if (r <= 0) {
		stralloc_free(&text);
		return r;
	}
	good = quota_parse(text.s, text.len, q_r);
	if (good && !quota_allows(q_r, 0, 0))
		good = fstatat(root_fd, QUOTA_FILE, &st, AT_SYMLINK_NOFOLLOW) ==
			       0 &&
		       st.st_mtime + QUOTA_AGE_S > time(NULL);
	/* If it cannot be counted, what is known has to do. */
	if ((!good || text.len > QUOTA_FILE_MAX) && text.len > 0 &&
		!count_anew(root_fd, &text, q_r) && !good)
		r = -1;
	stralloc_free(&text);
	return r;
}

bool
quota_allows(struct quota const *q, uint64_t octets, uint64_t messages)
{
	uint64_t const used = q->octets > 0 ? (uint64_t)q->octets : 0;
	uint64_t const count = q->messages > 0 ? (uint64_t)q->messages : 0;

	return (q->max_octets == 0 ||
		       (used <= q->max_octets &&
			       octets <= q->max_octets - used)) &&
	       (q->max_messages == 0 ||
		       (count <= q->max_messages &&
			       messages <= q->max_messages - count));
}

void
quota_note(int root_fd, int64_t octets, int64_t messages)
{
	int const fd = openat(root_fd, QUOTA_FILE,
		O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	char line[64];
	int n;

	if (fd < 0)
		return;
	n = snprintf(line, sizeof line, "%lld %lld\n", (long long)octets,
		(long long)messages);
	(void)!write(fd, line, (size_t)n);
	close(fd);
}

void
quota_recount(int root_fd)
{
	stralloc text = STRALLOC_ZERO;
	struct quota q;

	if (uidlist_read_file(root_fd, QUOTA_FILE, &text) > 0)
		(void)!count_anew(root_fd, &text, &q);
	stralloc_free(&text);
}
