/* Writes a segment of the text index; see text_writer.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "imapd/text_writer.h"

/* Where postings wait; unlinked at once. */
#define POSTINGS_FILE "kereru-text.postings"

static bool
write_all(int fd, unsigned char const *s, size_t len)
{
	while (len > 0) {
		ssize_t const n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
flush(struct text_stream *f)
{
	uint32_t const crc = crc32c_lanes(f->block, f->used);

	if (f->used == 0)
		return true;
	if (f->sums != NULL &&
		!stralloc_catb(f->sums, (char const *)&crc, sizeof crc))
		return false;
	if (!write_all(f->fd, f->block, f->used))
		return false;
	f->written += f->used;
	f->used = 0;
	return true;
}

static bool
put(struct text_stream *f, void const *s, size_t len)
{
	unsigned char const *p = s;

	while (len > 0) {
		size_t n = TEXT_BLOCK - f->used;

		n = n < len ? n : len;
		memcpy(f->block + f->used, p, n);
		f->used += n;
		p += n;
		len -= n;
		if (f->used == TEXT_BLOCK && !flush(f))
			return false;
	}
	return true;
}

static bool
open_stream(struct text_stream *f, int dir_fd, char const *name)
{
	f->block = malloc(TEXT_BLOCK);
	if (f->block == NULL)
		return false;
	/* Never into what another name or map stands for. */
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return false;
	f->fd = openat(dir_fd, name,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return f->fd >= 0;
}

bool
text_writer_open(struct text_writer *w, int dir_fd, char const *name,
	uint32_t validity, uint32_t docs)
{
	*w = (struct text_writer){.words = {.fd = -1, .sums = &w->sums},
		.postings = {.fd = -1},
		.head = {.rules = text_rules(),
			.validity = validity,
			.docs = docs}};
	memcpy(w->head.magic, TEXT_MAGIC, sizeof w->head.magic);
	/* The head has its place; it is written when all is known. */
	return open_stream(&w->words, dir_fd, name) &&
	       lseek(w->words.fd, sizeof w->head, SEEK_SET) >= 0 &&
	       open_stream(&w->postings, dir_fd, POSTINGS_FILE) &&
	       unlinkat(dir_fd, POSTINGS_FILE, 0) == 0;
}

void
text_writer_free(struct text_writer *w)
{
	if (w->words.fd >= 0)
		close(w->words.fd);
	if (w->postings.fd >= 0)
		close(w->postings.fd);
	free(w->words.block);
	free(w->postings.block);
	w->words.fd = w->postings.fd = -1;
	w->words.block = w->postings.block = NULL;
	stralloc_free(&w->sums);
	stralloc_free(&w->groups);
	stralloc_free(&w->frequent);
	stralloc_free(&w->scratch);
}

/* A bitmap once it takes no more room than a list would. */
static bool
wants_bitmap(struct text_writer const *w, size_t count)
{
	return count > 64 && count > w->head.docs / 8;
}

static bool
make_bitmap(struct text_writer *w, uint32_t const *list, size_t count)
{
	size_t const half = (w->head.docs + 7) / 8;
	unsigned char *s;

	w->scratch.len = 0;
	if (!stralloc_ready(&w->scratch, 1 + 2 * half))
		return false;
	s = (unsigned char *)w->scratch.s;
	memset(s, 0, 1 + 2 * half);
	s[0] = 1; /* odd */
	for (size_t i = 0; i < count; i++) {
		uint32_t const doc = list[i] >> 2;
		unsigned char const bit = (unsigned char)(1u << doc % 8);

		if (list[i] & TEXT_IN_HEADER)
			s[1 + doc / 8] |= bit;
		if (list[i] & TEXT_IN_BODY)
			s[1 + half + doc / 8] |= bit;
	}
	w->scratch.len = 1 + 2 * half;
	return true;
}

static bool
make_list(struct text_writer *w, uint32_t const *list, size_t count)
{
	unsigned char head[TEXT_VARINT_MAX], *s;
	size_t n = TEXT_VARINT_MAX, head_len;
	uint32_t next = 0;

	w->scratch.len = 0;
	if (!stralloc_ready(&w->scratch, (count + 1) * TEXT_VARINT_MAX))
		return false;
	s = (unsigned char *)w->scratch.s;
	for (size_t i = 0; i < count; i++) {
		uint32_t const doc = list[i] >> 2;

		n += text_varint_put(s + n, (doc - next) << 2 | (list[i] & 3));
		next = doc + 1;
	}
	n -= TEXT_VARINT_MAX;
	head_len = text_varint_put(head, (uint32_t)n * 2);
	memcpy(s, head, head_len);
	memmove(s + head_len, s + TEXT_VARINT_MAX, n);
	w->scratch.len = head_len + n;
	return true;
}

static bool
add_pair(stralloc *sa, uint64_t word, uint64_t posting)
{
	uint32_t const pair[2] = {(uint32_t)word, (uint32_t)posting};

	return stralloc_catb(sa, (char const *)pair, sizeof pair);
}

bool
text_writer_word(struct text_writer *w, char const *s, size_t len,
	uint32_t const *list, size_t count)
{
	bool const bitmap = wants_bitmap(w, count);

	if (w->words_len + len + 1 > TEXT_PART_MAX ||
		w->postings_len >
			TEXT_PART_MAX - (count + 1) * TEXT_VARINT_MAX) {
		errno = EFBIG;
		return false;
	}
	if (w->count % TEXT_GROUP == 0 &&
		!add_pair(&w->groups, w->words_len, w->postings_len))
		return false;
	if (bitmap && !add_pair(&w->frequent, w->words_len, w->postings_len))
		return false;
	if (bitmap ? !make_bitmap(w, list, count) : !make_list(w, list, count))
		return false;
	w->count++;
	w->words_len += len + 1;
	w->postings_len += w->scratch.len;
	return put(&w->words, s, len) && put(&w->words, "\n", 1) &&
	       put(&w->postings, w->scratch.s, w->scratch.len);
}

/* The postings go behind the words. */
static bool
append_postings(struct text_writer *w)
{
	unsigned char *const s = w->postings.block;
	uint64_t at = 0;

	if (!flush(&w->postings))
		return false;
	while (at < w->postings_len) {
		ssize_t const n =
			pread(w->postings.fd, s, TEXT_BLOCK, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return false;
		}
		if (!put(&w->words, s, (size_t)n))
			return false;
		at += (uint64_t)n;
	}
	return true;
}

bool
text_writer_finish(struct text_writer *w, uint32_t const *uids,
	unsigned char const *open, uint64_t *size_r)
{
	struct text_head *const h = &w->head;

	h->words_len = w->words_len;
	h->postings_len = w->postings_len;
	h->groups = (uint32_t)(w->groups.len / sizeof(struct text_group));
	h->frequent =
		(uint32_t)(w->frequent.len / sizeof(struct text_frequent));
	if (!append_postings(w) ||
		!put(&w->words, w->groups.s, w->groups.len) ||
		!put(&w->words, w->frequent.s, w->frequent.len) ||
		!put(&w->words, uids, h->docs * sizeof *uids) ||
		!put(&w->words, open, h->docs / 8 + 1) || !flush(&w->words))
		return false;
	h->sums_crc = crc32c(0, w->sums.s, w->sums.len);
	h->head_crc = crc32c(0, h, offsetof(struct text_head, head_crc));
	*size_r = sizeof *h + w->words.written + w->sums.len;
	return write_all(w->words.fd, (unsigned char const *)w->sums.s,
		       w->sums.len) &&
	       pwrite(w->words.fd, h, sizeof *h, 0) == sizeof *h;
}
