/* The classifier's text of a message, in a file. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include "local/lessontext.h"
#include "mime/spamtext.h"

bool
lessontext_read(stralloc *out, int fd, uint64_t offset, uint64_t len)
{
	if (len > LESSONTEXT_LOOK_MAX - out->len)
		len = LESSONTEXT_LOOK_MAX - out->len;
	if (!stralloc_readyplus(out, (size_t)len))
		return false;
	while (len > 0) {
		ssize_t n = pread(
			fd, out->s + out->len, (size_t)len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return true;
}

int
lessontext_make(struct message *m, stralloc *text)
{
	int fd;

	m->count = structure_parse(
		m->text.s, m->text.len, m->parts, STRUCTURE_PARTS_MAX);
	text->len = 0;
	if (!spamtext_make(m, text, NULL, NULL))
		return -1;
	fd = memfd_create("text", MFD_CLOEXEC);
	for (size_t at = 0; fd >= 0 && at < text->len;) {
		ssize_t n = write(fd, text->s + at, text->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(fd);
			return -1;
		}
		at += (size_t)n;
	}
	return fd;
}
