/* Names of keywords; see keywordfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/keywordfile.h"
#include "common/uidlist.h"

#define FILE_NAME "dovecot-keywords"
#define FILE_MAX 8192

static bool
is_name(char const *s, size_t len)
{
	if (len == 0 || len > FLAG_KEYWORD_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 127 ||
			strchr("(){%*\"\\]", s[i]) != NULL)
			return false;
	return true;
}

static void
parse_line(struct keywords *k, char const *s, size_t len)
{
	unsigned n = 0;
	size_t i = 0;

	for (; i < len && i < 2 && s[i] >= '0' && s[i] <= '9'; i++)
		n = n * 10 + (unsigned)(s[i] - '0');
	if (i == 0 || i == len || s[i++] != ' ' || n >= FLAG_KEYWORDS_MAX ||
		!is_name(s + i, len - i))
		return;
	memcpy(k->names[n], s + i, len - i);
	k->names[n][len - i] = '\0';
}

void
keywords_parse(struct keywords *k, char const *s, size_t len)
{
	memset(k, 0, sizeof *k);
	while (len > 0) {
		char const *const lf = memchr(s, '\n', len);
		size_t const n = lf != NULL ? (size_t)(lf - s) : len;

		parse_line(k, s, n);
		if (lf == NULL)
			return;
		s += n + 1;
		len -= n + 1;
	}
}

bool
keywords_read(struct keywords *k, int folder_fd)
{
	char text[FILE_MAX];
	int const fd = openat(folder_fd, FILE_NAME,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;
	size_t len = 0;
	int error;

	if (fd < 0) {
		keywords_parse(k, "", 0);
		return errno == ENOENT;
	}
	while ((n = read(fd, text + len, sizeof text - len)) > 0)
		len += (size_t)n;
	error = errno;
	close(fd);
	errno = error;
	if (n < 0)
		return false;
	keywords_parse(k, text, len);
	return true;
}

int
keywords_find(struct keywords const *k, char const *name, size_t len)
{
	for (int i = 0; len > 0 && i < FLAG_KEYWORDS_MAX; i++)
		if (strlen(k->names[i]) == len &&
			strncasecmp(k->names[i], name, len) == 0)
			return i;
	return -1;
}

static int
add_name(struct keywords *k, char const *name, size_t len)
{
	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++)
		if (k->names[i][0] == '\0') {
			memcpy(k->names[i], name, len);
			k->names[i][len] = '\0';
			return i;
		}
	errno = ENOSPC;
	return -1;
}

static bool
write_file(struct keywords const *k, int folder_fd)
{
	char text[FILE_MAX];
	size_t len = 0;

	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++)
		if (k->names[i][0] != '\0')
			len += (size_t)snprintf(text + len, sizeof text - len,
				"%d %s\n", i, k->names[i]);
	return uidlist_replace(folder_fd, FILE_NAME, text, len);
}

bool
keywords_add(struct keywords *k, int folder_fd, struct keyword const *list,
	size_t count)
{
	struct keywords fresh;
	bool changed = false, ok;
	int lock, error;

	if (!uidlist_lock(folder_fd, &lock))
		return false;
	ok = keywords_read(&fresh, folder_fd);
	for (size_t i = 0; ok && i < count; i++) {
		if (keywords_find(&fresh, list[i].s, list[i].len) >= 0)
			continue;
		ok = add_name(&fresh, list[i].s, list[i].len) >= 0;
		changed = true;
	}
	if (ok && changed)
		ok = write_file(&fresh, folder_fd);
	error = errno;
	uidlist_unlock(folder_fd, lock);
	errno = error;
	if (ok)
		*k = fresh;
	return ok;
}
