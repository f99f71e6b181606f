/* Message text on the wire; see crlf.h. */
#include <string.h>

#include "imapd/crlf.h"

uint64_t
crlf_size(struct crlf *c, char const *s, size_t len)
{
	char const *const end = s + len;
	uint64_t size = len;

	for (char const *p = s; p < end;) {
		char const *const lf = memchr(p, '\n', (size_t)(end - p));

		if (lf == NULL)
			break;
		size += !(lf > s ? lf[-1] == '\r' : c->after_cr);
		p = lf + 1;
	}
	if (len > 0)
		c->after_cr = end[-1] == '\r';
	return size;
}

static bool
emit(struct crlf *c, struct stream *stream, char const *s, size_t len)
{
	if (len <= c->skip) {
		c->skip -= len;
		return true;
	}
	s += c->skip;
	len -= (size_t)c->skip;
	c->skip = 0;
	if (len > c->left)
		len = (size_t)c->left;
	c->left -= len;
	return stream_write(stream, s, len);
}

bool
crlf_send(struct crlf *c, struct stream *stream, char const *s, size_t len)
{
	char const *const end = s + len;

	for (char const *p = s; p < end && c->left > 0;) {
		char const *const lf = memchr(p, '\n', (size_t)(end - p));
		size_t const n = (size_t)((lf != NULL ? lf : end) - p);
		bool const bare =
			lf != NULL && !(lf > s ? lf[-1] == '\r' : c->after_cr);

		if (!emit(c, stream, p, n) ||
			(lf != NULL && !emit(c, stream, bare ? "\r\n" : "\n",
					       bare ? 2 : 1)))
			return false;
		p += n + (lf != NULL);
	}
	if (len > 0)
		c->after_cr = end[-1] == '\r';
	return true;
}
