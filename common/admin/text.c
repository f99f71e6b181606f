/* The lines and fields of the text files that a person edits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "common/admin/text.h"

void
text_set(struct text *t, char *s, size_t len)
{
	t->s = s;
	t->len = len;
	s[len] = '\0';
	t->next = 0;
	t->line = 0;
}

static bool
read_all(struct text *t, int fd)
{
	struct stat st;
	size_t size, got;
	char *s;

	if (fstat(fd, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)TEXT_MAX) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return false;
	}
	t->mode = st.st_mode;
	t->owner = st.st_uid;
	size = (size_t)st.st_size;
	s = malloc(size + 1);
	if (s == NULL)
		return false;
	errno = 0;
	got = allread(fd, s, size);
	if (got < size && errno != 0 && errno != EPIPE) {
		free(s);
		return false;
	}
	text_set(t, s, got);
	t->exists = true;
	return true;
}

bool
text_read(struct text *t, char const *folder, char const *name)
{
	int fd;
	bool ok;

	*t = (struct text){0};
	if (asprintf(&t->path, "%s/%s", folder, name) < 0) {
		t->path = NULL;
		return false;
	}
	fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		char *nothing;
		if (errno != ENOENT || (nothing = malloc(1)) == NULL)
			return false;
		text_set(t, nothing, 0);
		return true;
	}
	ok = read_all(t, fd);
	close(fd);
	return ok;
}

void
text_free(struct text *t)
{
	free(t->path);
	free(t->s);
	*t = (struct text){0};
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* How much of a line stands before its comment; -1: a control character. */
static ptrdiff_t
content_length(char const *s, size_t len)
{
	size_t end = len;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '#' && (i == 0 || is_blank(s[i - 1]))) {
			end = i;
			break;
		}
		if ((c < ' ' && c != '\t') || c == 127)
			return -1;
	}
	while (end > 0 && is_blank(s[end - 1]))
		end--;
	return (ptrdiff_t)end;
}

int
text_line(struct text *t, char **line_r, size_t *len_r)
{
	while (t->next < t->len) {
		char *s = t->s + t->next;
		char *newline = memchr(s, '\n', t->len - t->next);
		size_t len = newline != NULL ? (size_t)(newline - s)
					     : t->len - t->next;
		ptrdiff_t content;

		t->next += len + (newline != NULL);
		t->line++;
		content = content_length(s, len);
		if (content < 0)
			return -1;
		while (content > 0 && is_blank(*s)) {
			s++;
			content--;
		}
		if (content > 0) {
			*line_r = s;
			*len_r = (size_t)content;
			return 1;
		}
	}
	return 0;
}

bool
text_field(char **line, size_t *len, char **field_r, size_t *field_len_r)
{
	char *s = *line;
	size_t left = *len, n = 0;

	while (left > 0 && is_blank(*s)) {
		s++;
		left--;
	}
	if (left == 0)
		return false;
	while (n < left && !is_blank(s[n]))
		n++;
	*field_r = s;
	*field_len_r = n;
	*line = s + n;
	*len = left - n;
	/* What ends a field is a blank, a newline, or the NUL behind all. */
	if (n < left) {
		*line += 1;
		*len -= 1;
	}
	s[n] = '\0';
	return true;
}
