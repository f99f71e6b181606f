/* The message that is looked at: see source.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "mime/dkim/source.h"

ssize_t
source_read(struct source const *s, uint64_t at, char *out, size_t max)
{
	ssize_t n;

	if (at >= s->len)
		return 0;
	if (max > s->len - at)
		max = (size_t)(s->len - at);
	if (s->bytes != NULL) {
		memcpy(out, s->bytes + at, max);
		return (ssize_t)max;
	}
	do
		n = pread(s->fd, out, max, (off_t)(s->offset + at));
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		errno = EIO;
		return -1;
	}
	return n;
}
