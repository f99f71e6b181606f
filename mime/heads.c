/* Reads the headers of messages; see heads.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/heads.h"

/* Octets of a message that are read first: its header, as a rule. */
#define FIRST 65536

/* The messages of one maildir, among all names. */
struct run {
	size_t first, end;
};

bool
heads_add(struct heads *h, struct names *n, char const *operand)
{
	struct run run = {.first = names_count(n)};

	if (!names_add(n, operand))
		return false;
	/* A file stands for one. */
	run.end = names_count(n);
	return run.end - run.first <= 1 ||
	       genalloc_append(struct run, &h->runs, &run);
}

/* Read up to len octets in all; *len_r are there already. False: errno. */
static bool
fill(int fd, char *s, size_t len, size_t *len_r)
{
	while (*len_r < len) {
		ssize_t const n = read(fd, s + *len_r, len - *len_r);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		*len_r += (size_t)n;
	}
	return true;
}

static bool
read_head(struct heads *h, int fd)
{
	size_t len = 0;

	h->s = h->buf;
	if (!fill(fd, h->buf, FIRST, &len))
		return false;
	h->len = header_end(h->buf, len, HEADER_MAX);
	if (h->len < FIRST)
		return true;
	if (!fill(fd, h->buf, HEADER_MAX, &len))
		return false;
	h->len = header_end(h->buf, len, HEADER_MAX);
	return true;
}

/* The maildir that the path of one of its messages begins with. */
static bool
open_cache(struct metacache *c, char const *path)
{
	char *const folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	bool ok;

	if (slash)
		*slash = '\0';
	slash = slash ? strrchr(folder, '/') : NULL;
	if (slash)
		*slash = '\0';
	ok = slash && metacache_open(c, folder);
	free(folder);
	return ok;
}

/* Have it without opening the message. */
static bool
recall(struct heads *h, struct names const *n, size_t i)
{
	struct run const *const runs = genalloc_s(struct run, &h->runs);
	char const *const path = names_get(n, i);
	size_t const count = genalloc_len(struct run, &h->runs);
	struct meta_entry entry;
	struct stat st;

	while (h->run < count && runs[h->run].end <= i) {
		metacache_close(&h->cache);
		h->run++;
	}
	if (h->run == count || i < runs[h->run].first)
		return false;
	if (i == runs[h->run].first && !open_cache(&h->cache, path))
		return false;
	if (h->cache.fd < 0 || lstat(path, &st) < 0 ||
		!metacache_get(&h->cache, strrchr(path, '/') + 1, &st, &entry))
		return false;
	h->s = entry.header;
	h->len = entry.header_len;
	return true;
}

bool
heads_read(
	struct heads *h, struct names const *n, size_t i, char const **path_r)
{
	int fd, error;
	bool ok;

	if (!h->started)
		h->cache = (struct metacache)METACACHE_ZERO;
	h->started = true;
	*path_r = names_get(n, i);
	if (recall(h, n, i))
		return true;
	fd = names_open(n, i, &h->path, path_r);
	if (fd < 0)
		return false;
	ok = read_head(h, fd);
	error = errno;
	close(fd);
	errno = error;
	return ok;
}
