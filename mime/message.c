/* Reads a message and answers questions about its parts; see message.h. */
#include <errno.h>
#include <stdint.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/message.h"
#include "mime/rfc2045.h"
#include "mime/rfc2231.h"

#define STEP 65536

static bool
read_all(stralloc *text, int fd)
{
	struct stat st;

	/* Room for all of a file at once; growing would copy it. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		st.st_size <= MESSAGE_MAX &&
		!stralloc_ready(text, (size_t)st.st_size + STEP))
		return false;
	for (;;) {
		ssize_t n;

		if (!stralloc_readyplus(text, STEP))
			return false;
		n = read(fd, text->s + text->len, STEP);
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			text->len += (size_t)n;
		if (text->len > MESSAGE_MAX) {
			errno = EFBIG;
			return false;
		}
	}
}

bool
message_prepare(struct message *m, int fd)
{
	struct stat st;
	void *s;

	if (m->mapped > 0) {
		(void)munmap(m->text.s, m->mapped);
		m->text = (stralloc)STRALLOC_ZERO;
		m->mapped = 0;
	}
	m->text.len = 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_size <= MESSAGE_MAPPED_MIN || lseek(fd, 0, SEEK_CUR) != 0)
		return true;
	if ((uintmax_t)st.st_size > MESSAGE_MAPPED_MAX) {
		errno = EFBIG;
		return false;
	}
	s = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (s == MAP_FAILED)
		return false;
	stralloc_free(&m->text);
	m->text.s = s;
	m->text.len = m->mapped = (size_t)st.st_size;
	return true;
}

void
message_passed(struct message const *m, size_t pos)
{
	/* Pages that are looked at again come back from the file. */
	if (m->mapped > 0)
		(void)madvise(m->text.s, pos & ~(size_t)0xffff, MADV_DONTNEED);
}

static void
passed(void *arg, size_t pos)
{
	message_passed(arg, pos);
}

bool
message_read(struct message *m, int fd)
{
	if (m->mapped == 0 && !read_all(&m->text, fd))
		return false;
	m->count = structure_parse_passing(m->text.s, m->text.len, m->parts,
		STRUCTURE_PARTS_MAX, passed, m);
	return true;
}

bool
message_field(struct message const *m, struct structure_part const *part,
	char const *name, struct header_field *field_r)
{
	return header_find(m->text.s + part->header_offset, part->header_len,
		name, field_r);
}

/* The place of a part among its siblings, from 1. */
static unsigned int
place(struct message const *m, struct structure_part const *part)
{
	unsigned int n = 1;
	uint32_t i = m->parts[part->parent].child;

	while (&m->parts[i] != part) {
		i = m->parts[i].next;
		n++;
	}
	return n;
}

/* What part i adds to the number of the part it is in; 0: nothing. */
static unsigned int
own_number(struct message const *m, struct structure_part const *part)
{
	if (part->parent != STRUCTURE_NONE &&
		m->parts[part->parent].kind == STRUCTURE_MULTIPART)
		return place(m, part);
	return part->kind == STRUCTURE_MULTIPART ? 0 : 1;
}

bool
message_number(struct message const *m, size_t i, stralloc *out)
{
	unsigned int numbers[STRUCTURE_DEPTH_MAX];
	size_t count = 0, start = out->len;

	for (uint32_t at = (uint32_t)i; at != STRUCTURE_NONE;
		at = m->parts[at].parent) {
		unsigned int const n = own_number(m, &m->parts[at]);

		if (n > 0)
			numbers[count++] = n;
	}
	while (count > 0) {
		char digits[12];
		size_t k = sizeof digits;
		unsigned int n = numbers[--count];

		for (; n > 0; n /= 10)
			digits[--k] = (char)('0' + n % 10);
		if (out->len > start)
			digits[--k] = '.';
		if (!stralloc_catb(out, digits + k, sizeof digits - k))
			return false;
	}
	return true;
}

bool
message_is_attachment(
	struct message const *m, struct structure_part const *part)
{
	struct header_field field;
	size_t start, n;

	if (!message_field(m, part, "content-disposition", &field))
		return false;
	start = rfc2045_skip(field.value, field.value_len, 0);
	n = rfc2045_token(field.value, field.value_len, start);
	return n == 10 &&
	       strncasecmp(field.value + start, "attachment", 10) == 0;
}

bool
message_filename(struct message const *m, struct structure_part const *part,
	stralloc *out)
{
	struct header_field field;
	int found = 0;

	if (message_field(m, part, "content-disposition", &field)) {
		size_t const start =
			rfc2045_skip(field.value, field.value_len, 0);
		size_t const n =
			rfc2045_token(field.value, field.value_len, start);

		found = rfc2231_find(field.value, field.value_len, start + n,
			"filename", out);
	}
	if (found == 0 && part->content_type.len > 0)
		found = rfc2231_find(m->text.s + part->content_type.offset,
			part->content_type.len,
			part->subtype.offset + part->subtype.len -
				part->content_type.offset,
			"name", out);
	return found >= 0;
}
