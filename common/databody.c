/* A message as DATA sends it: see databody.h. */
#include <string.h>
#include "common/databody.h"

static bool
is_plain(char c)
{
	return c != '\n' && c != '\r' && c != '\0';
}

/*
 * A CR is written only with its LF, whichever piece the LF comes in: so CRs are
 * dropped here and each LF brings its own.
 */
size_t
body_push(struct body *b, char const *s, size_t len, char *out)
{
	size_t written = 0;

	for (size_t i = 0; i < len;) {
		size_t start = i;
		while (i < len && is_plain(s[i]))
			i++;
		if (i > start) {
			if (!b->is_bare && !b->inside && s[start] == '.')
				out[written++] = '.';
			memcpy(out + written, s + start, i - start);
			written += i - start;
			b->inside = true;
		}
		if (i < len && s[i++] == '\n') {
			out[written++] = '\r';
			out[written++] = '\n';
			b->inside = false;
		}
	}
	return written;
}

size_t
body_end(struct body *b, char *out)
{
	size_t len = 0;

	if (b->inside) {
		memcpy(out, "\r\n", 2);
		len = 2;
	}
	if (!b->is_bare) {
		memcpy(out + len, ".\r\n", 3);
		len += 3;
	}
	b->inside = false;
	return len;
}
