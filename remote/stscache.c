/* MTA-STS policies that sts keeps on disk: see stscache.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "remote/stscache.h"

/* Being written; no domain begins with a dot. */
#define NEW ".new"

static bool
is_line(char const **s, size_t *len, char const *word, char const **value_r,
	size_t *value_len_r)
{
	size_t n = strlen(word);
	char const *lf = memchr(*s, '\n', *len);

	if (lf == NULL || (size_t)(lf - *s) < n || memcmp(*s, word, n) != 0)
		return false;
	*value_r = *s + n;
	*value_len_r = (size_t)(lf - *s) - n;
	*len -= (size_t)(lf - *s) + 1;
	*s = lf + 1;
	return true;
}

bool
stscache_parse(char const *s, size_t len, struct stscache *c)
{
	char const *value;
	uint64_t n = 0;
	size_t value_len;

	if (!is_line(&s, &len, "id ", &value, &value_len) ||
		value_len >= sizeof c->id ||
		memchr(value, '\0', value_len) != NULL)
		return false;
	memcpy(c->id, value, value_len);
	c->id[value_len] = '\0';
	if (!is_line(&s, &len, "fetched ", &value, &value_len) ||
		value_len == 0 || value_len > 12)
		return false;
	for (size_t i = 0; i < value_len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(value[i] - '0');
	}
	c->fetched = (time_t)n;
	return is_line(&s, &len, "", &value, &value_len) && value_len == 0 &&
	       stspolicy_parse(s, len, &c->policy);
}

bool
stscache_read(int folder_fd, char const *domain, time_t now, struct stscache *c)
{
	static char text[STSCACHE_MAX];
	int fd = openat(folder_fd, domain, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len;

	if (fd < 0)
		return false;
	len = allread(fd, text, sizeof text);
	close(fd);
	return stscache_parse(text, len, c) && c->fetched <= now &&
	       now - c->fetched < (time_t)c->policy.max_age;
}

bool
stscache_write(int folder_fd, char const *domain, char const *id, time_t now,
	char const *text, size_t len)
{
	char head[100];
	int n = snprintf(head, sizeof head, "id %s\nfetched %lld\n\n", id,
		(long long)now);
	int error,
		fd = openat(folder_fd, NEW,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0600);

	if (fd < 0)
		return false;
	if (allwrite(fd, head, (size_t)n) == (size_t)n &&
		allwrite(fd, text, len) == len && fsync(fd) == 0) {
		close(fd);
		return renameat(folder_fd, NEW, folder_fd, domain) == 0;
	}
	error = errno;
	close(fd);
	(void)unlinkat(folder_fd, NEW, 0);
	errno = error;
	return false;
}
