/* Reading parts of a queue file. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "common/queuebody.h"

#define PIECE 65536
/* Octets of a header that are searched for a loop. */
#define LOOP_HEADER_MAX 65536

static ssize_t
read_piece(int fd, char *s, size_t max, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(fd, s, max, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n;
}

enum queuebody_result
queuebody_copy(
	int fd, uint64_t offset, uint64_t len, queuebody_put *put, void *data)
{
	static char piece[PIECE];

	while (len > 0) {
		size_t want = len < sizeof piece ? (size_t)len : sizeof piece;
		ssize_t n = read_piece(fd, piece, want, offset);
		if (n <= 0)
			return n < 0 ? QUEUEBODY_FAILED : QUEUEBODY_SHORT;
		put(data, piece, (size_t)n);
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return QUEUEBODY_OK;
}

/* Where the header ends: behind its last line, before the empty one. */
static size_t
header_end(char const *s, size_t len)
{
	size_t at = 0;

	while (at < len) {
		char const *lf = memchr(s + at, '\n', len - at);
		if (s[at] == '\n' ||
			(s[at] == '\r' && at + 1 < len && s[at + 1] == '\n'))
			return at;
		if (lf == NULL)
			break;
		at = (size_t)(lf - s) + 1;
	}
	return len;
}

enum queuebody_result
queuebody_header(
	int fd, uint64_t offset, uint64_t len, size_t max, stralloc *sa)
{
	size_t want = len < max ? (size_t)len : max, start = sa->len;
	size_t have = 0, end;

	errno = ENOMEM;
	if (!stralloc_readyplus(sa, want))
		return QUEUEBODY_FAILED;
	while (have < want) {
		ssize_t n = read_piece(
			fd, sa->s + start + have, want - have, offset + have);
		if (n <= 0)
			return n < 0 ? QUEUEBODY_FAILED : QUEUEBODY_SHORT;
		have += (size_t)n;
	}
	end = header_end(sa->s + start, have);
	/* Cut at a line's end where it was too long. */
	if (end == have && want < len)
		while (end > 0 && sa->s[start + end - 1] != '\n')
			end--;
	sa->len = start + end;
	return QUEUEBODY_OK;
}

static bool
is_field(char const *line, size_t len, char const *address, size_t address_len)
{
	static char const name[] = "Delivered-To:";
	size_t n = sizeof name - 1;

	if (len < n || strncasecmp(line, name, n) != 0)
		return false;
	while (n < len && (line[n] == ' ' || line[n] == '\t'))
		n++;
	while (len > n && strchr(" \t\r", line[len - 1]) != NULL)
		len--;
	return len - n == address_len &&
	       strncasecmp(line + n, address, address_len) == 0;
}

bool
queuebody_was_delivered_to(
	char const *header, size_t len, char const *address, size_t address_len)
{
	while (len > 0) {
		char const *lf = memchr(header, '\n', len);
		size_t n = lf != NULL ? (size_t)(lf - header) : len;
		if (is_field(header, n, address, address_len))
			return true;
		n += n < len;
		header += n;
		len -= n;
	}
	return false;
}

enum queuebody_result
queuebody_find_loop(struct queuebody const *b, char const *address,
	size_t address_len, bool *loops_r)
{
	stralloc header = STRALLOC_ZERO;
	enum queuebody_result r = queuebody_header(
		b->fd, b->added_offset, b->added_len, LOOP_HEADER_MAX, &header);

	if (r == QUEUEBODY_OK)
		r = queuebody_header(b->fd, b->message_offset, b->message_len,
			LOOP_HEADER_MAX, &header);
	*loops_r =
		r == QUEUEBODY_OK && queuebody_was_delivered_to(header.s,
					     header.len, address, address_len);
	stralloc_free(&header);
	return r;
}
