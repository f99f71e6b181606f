/* The text of one message; see content.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapd/content.h"
#include "mime/header.h"

/* A larger buffer is given back after the message. */
#define KEEP_MAX (1024 * 1024)
#define HEADER_BLOCK 8192

int
content_open(struct content *c, struct mailbox *m, size_t i)
{
	content_close(c);
	c->len = c->header_len = c->parts_count = 0;
	c->whole = false;
	return mailbox_open_file(m, i, &c->fd, &c->st);
}

int
content_stat(struct content *c, struct mailbox *m, size_t i)
{
	content_close(c);
	return mailbox_stat(m, i, &c->st);
}

static bool
make_room(struct content *c, size_t size)
{
	char *s;

	if (size <= c->allocated)
		return true;
	s = realloc(c->s, size);
	if (s == NULL)
		return false;
	c->s = s;
	c->allocated = size;
	return true;
}

/* Read until there are `want` octets or the file ends. */
static bool
read_up_to(struct content *c, size_t want)
{
	if (!make_room(c, want))
		return false;
	while (c->len < want && !c->whole) {
		size_t const asked = want - c->len;
		ssize_t const n =
			pread(c->fd, c->s + c->len, asked, (off_t)c->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		c->len += (size_t)n;
		/* Of a regular file less comes at its end alone. */
		c->whole = (size_t)n < asked;
	}
	return true;
}

/* Is the end of the header among the octets that are there? */
static bool
header_found(struct content *c, size_t from)
{
	char const *p = c->s + (from > 3 ? from - 3 : 0);
	char const *const end = c->s + c->len;

	if (c->len > 0 && (c->s[0] == '\n' || c->s[0] == '\r'))
		return true;
	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (p < end && (*p == '\n' || (*p == '\r' && p + 1 < end &&
						      p[1] == '\n')))
			return true;
	}
	return false;
}

bool
content_header(struct content *c)
{
	size_t from = 0, want = HEADER_BLOCK;

	if (c->header_len > 0)
		return true;
	while (!c->whole && c->len < HEADER_MAX) {
		if (c->len < want && !read_up_to(c, want))
			return false;
		if (header_found(c, from))
			break;
		from = c->len;
		want = c->len + 4 * HEADER_BLOCK;
	}
	c->header_len = header_end(c->s, c->len, HEADER_MAX);
	return true;
}

bool
content_whole(struct content *c)
{
	size_t const size = (size_t)c->st.st_size;

	if (c->whole)
		return true;
	if (c->st.st_size < 0 || size > SIZE_MAX / 2) {
		errno = EFBIG;
		return false;
	}
	/* One octet more tells the end without another turn. */
	if (!read_up_to(c, size + 1))
		return false;
	c->whole = true;
	return true;
}

bool
content_parts(struct content *c)
{
	if (c->parts_count > 0)
		return true;
	if (!content_whole(c))
		return false;
	/* As much as a hostile message could need; untouched pages cost
	 * nothing. */
	if (c->parts == NULL)
		c->parts = calloc(STRUCTURE_PARTS_MAX, sizeof *c->parts);
	if (c->parts == NULL)
		return false;
	c->parts_count =
		structure_parse(c->s, c->len, c->parts, STRUCTURE_PARTS_MAX);
	return true;
}

void
content_close(struct content *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->allocated > KEEP_MAX) {
		free(c->s);
		c->s = NULL;
		c->allocated = 0;
	}
}

void
content_free(struct content *c)
{
	content_close(c);
	free(c->s);
	free(c->parts);
	*c = (struct content)CONTENT_ZERO;
}
