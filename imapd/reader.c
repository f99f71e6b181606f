/* Collecting a command; see reader.h. */
#include <string.h>

#include "imapd/reader.h"

void
reader_start(struct reader *r, struct stream *stream)
{
	r->stream = stream;
	r->len = r->line = r->literals = 0;
	r->too_long = false;
}

void
reader_add(struct reader *r, char const *s, size_t len)
{
	memcpy(r->s + r->len, s, len);
	r->len += len;
}

/* Add what fits; else the line's last octets take the place of those before. */
static void
add_line(struct reader *r, char const *s, size_t len)
{
	size_t const limit = COMMAND_MAX + r->literals;

	if (!r->too_long && r->len <= limit && len <= limit - r->len) {
		reader_add(r, s, len);
		return;
	}
	if (!r->too_long)
		r->tail = r->len;
	r->too_long = true;
	/* UNSAFE: the tail starts at most 2 octets (the CRLF in front of a
	 * literal) behind limit, and is at most READER_TAIL long. */
	for (size_t i = len > READER_TAIL ? len - READER_TAIL : 0; i < len;
		i++) {
		if (r->len - r->tail == READER_TAIL) {
			memmove(r->s + r->tail, r->s + r->tail + 1,
				READER_TAIL - 1);
			r->len--;
		}
		r->s[r->len++] = s[i];
	}
}

int
reader_line(struct reader *r)
{
	struct stream *const in = r->stream;

	if (r->too_long)
		r->len = r->tail;
	r->line = r->len;
	for (;;) {
		char const *const start = in->in + in->in_start;
		size_t const have = stream_pending(in);
		char const *const lf =
			have > 0 ? memchr(start, '\n', have) : NULL;
		size_t const n = lf != NULL ? (size_t)(lf - start) : have;
		int k;

		add_line(r, start, n);
		in->in_start += n + (lf != NULL);
		if (lf != NULL) {
			if (r->len > r->line && r->s[r->len - 1] == '\r')
				r->len--;
			return 1;
		}
		k = stream_fill(in);
		if (k <= 0)
			return k;
	}
}

int
reader_literal(struct reader *r, size_t size)
{
	struct stream *const in = r->stream;

	while (size > 0) {
		size_t n = stream_pending(in);

		if (n == 0) {
			int const k = stream_fill(in);

			if (k <= 0)
				return k;
			continue;
		}
		if (n > size)
			n = size;
		reader_add(r, in->in + in->in_start, n);
		in->in_start += n;
		r->literals += n;
		size -= n;
	}
	return 1;
}

int
reader_skip(struct stream *stream, uint64_t size)
{
	while (size > 0) {
		size_t n = stream_pending(stream);

		if (n == 0) {
			int const k = stream_fill(stream);

			if (k <= 0)
				return k;
			continue;
		}
		if (n > size)
			n = (size_t)size;
		stream->in_start += n;
		size -= n;
	}
	return 1;
}
