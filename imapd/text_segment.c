/* A piece of the text index, to be read; see text_segment.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "imapd/mapguard.h"
#include "imapd/text_find.h"
#include "imapd/text_segment.h"
#include "mime/fold.h"

/* Raised when texts are decoded or cut in another way. */
#define RULES 1

size_t
text_varint_put(unsigned char *out, uint32_t n)
{
	size_t i = 0;

	while (n >= 0x80) {
		out[i++] = (unsigned char)(n | 0x80);
		n >>= 7;
	}
	out[i++] = (unsigned char)n;
	return i;
}

bool
text_varint_get(unsigned char const *s, size_t len, size_t *at, uint32_t *n_r)
{
	uint32_t n = 0;

	for (unsigned shift = 0; shift < 35 && *at < len; shift += 7) {
		unsigned char const c = s[(*at)++];

		n |= (uint32_t)(c & 0x7fu) << shift;
		if (c < 0x80) {
			*n_r = n;
			return true;
		}
	}
	return false;
}

/* Folding is another's: what it does to the letters of Europe is asked. */
uint32_t
text_rules(void)
{
	static uint32_t crc;
	char s[0x800 * 2];
	size_t n = 0;

	if (crc != 0)
		return crc;
	for (unsigned c = 0x80; c < 0x800; c++) {
		s[n++] = (char)(0xc0 | c >> 6);
		s[n++] = (char)(0x80 | (c & 0x3f));
	}
	fold(s, n);
	crc = crc32c(RULES, s, n);
	if (crc == 0)
		crc = 1;
	return crc;
}

static uint32_t
number(unsigned char const *s)
{
	uint32_t n;

	memcpy(&n, s, sizeof n);
	return n;
}

/* Take len octets off *left. */
static bool
take(unsigned char const **at, size_t *left, uint64_t len,
	unsigned char const **part_r)
{
	if (len > *left)
		return false;
	*part_r = *at;
	*at += len;
	*left -= (size_t)len;
	return true;
}

static bool
lay_out(struct text_segment *g)
{
	struct text_head const *const h = &g->head;
	unsigned char const *at = g->map + sizeof *h;
	size_t left = g->map_len - sizeof *h, blocks;

	g->data = at;
	if (!take(&at, &left, h->words_len, &g->words) ||
		!take(&at, &left, h->postings_len, &g->postings) ||
		!take(&at, &left,
			(uint64_t)h->groups * sizeof(struct text_group),
			&g->groups) ||
		!take(&at, &left,
			(uint64_t)h->frequent * sizeof(struct text_frequent),
			&g->frequent) ||
		!take(&at, &left, (uint64_t)h->docs * sizeof(uint32_t),
			&g->uids) ||
		!take(&at, &left, h->docs / 8 + 1, &g->open))
		return false;
	g->data_len = (size_t)(at - g->data);
	blocks = (g->data_len + TEXT_BLOCK - 1) / TEXT_BLOCK;
	g->sums = at;
	if (left != blocks * sizeof(uint32_t) ||
		crc32c(0, g->sums, left) != h->sums_crc)
		return false;
	g->checked = calloc(blocks / 8 + 1, 1);
	return g->checked != NULL;
}

/* Are len octets at s what was written? */
static bool
check(struct text_segment *g, unsigned char const *s, size_t len)
{
	size_t const start = (size_t)(s - g->data);
	size_t const last = len > 0 ? (start + len - 1) / TEXT_BLOCK : 0;

	for (size_t b = start / TEXT_BLOCK; len > 0 && b <= last; b++) {
		size_t const at = b * TEXT_BLOCK, left = g->data_len - at;

		if (g->checked[b / 8] >> (b % 8) & 1)
			continue;
		if (crc32c_lanes(g->data + at,
			    left < TEXT_BLOCK ? left : TEXT_BLOCK) !=
			number(g->sums + b * sizeof(uint32_t)))
			return false;
		g->checked[b / 8] |= (unsigned char)(1u << b % 8);
	}
	return true;
}

static bool
read_head(struct text_segment *g, uint32_t validity)
{
	struct text_head *const h = &g->head;

	if (g->map_len < sizeof *h)
		return false;
	memcpy(h, g->map, sizeof *h);
	return memcmp(h->magic, TEXT_MAGIC, sizeof h->magic) == 0 &&
	       crc32c(0, h, offsetof(struct text_head, head_crc)) ==
		       h->head_crc &&
	       h->rules == text_rules() && h->validity == validity &&
	       h->words_len <= TEXT_PART_MAX &&
	       h->postings_len <= TEXT_PART_MAX && h->docs < UINT32_MAX / 4;
}

bool
text_segment_open(
	struct text_segment *g, int dir_fd, char const *name, uint32_t validity)
{
	struct stat st;
	void *map;
	int const fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	*g = (struct text_segment){0};
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
		(uintmax_t)st.st_size > SIZE_MAX) {
		close(fd);
		return false;
	}
	g->map_len = (size_t)st.st_size;
	map = mmap(NULL, g->map_len, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED) {
		g->map_len = 0;
		return false;
	}
	g->map = map;
	if (mapguard_add(map, g->map_len) && read_head(g, validity) &&
		lay_out(g) &&
		check(g, g->groups, (size_t)(g->sums - g->groups)) &&
		text_segment_is_whole(g)) {
		/* All words are read by every search: one call instead of a
		 * fault for each few pages. It may fail. */
		(void)madvise(g->map, sizeof g->head + g->head.words_len,
			MADV_POPULATE_READ);
		return true;
	}
	text_segment_close(g);
	return false;
}

void
text_segment_close(struct text_segment *g)
{
	mapguard_remove(g->map);
	if (g->map != NULL)
		munmap(g->map, g->map_len);
	free(g->checked);
	*g = (struct text_segment){0};
}

bool
text_segment_is_whole(struct text_segment const *g)
{
	return mapguard_is_whole(g->map);
}

uint32_t
text_segment_uid(struct text_segment const *g, uint32_t doc)
{
	return number(g->uids + doc * sizeof(uint32_t));
}

bool
text_segment_is_open(struct text_segment const *g, uint32_t doc)
{
	return g->open[doc / 8] >> (doc % 8) & 1;
}

/* What stands at a posting. */
struct posting {
	bool bitmap;
	unsigned char const *s;
	size_t len;
};

static bool
read_posting(struct text_segment *g, size_t *at, struct posting *p_r)
{
	size_t const bitmap = (g->head.docs + 7) / 8;
	size_t const end = (size_t)g->head.postings_len;
	size_t const from = *at;
	uint32_t n;

	if (from >= end ||
		!check(g, g->postings + from,
			end - from < TEXT_VARINT_MAX ? end - from
						     : TEXT_VARINT_MAX) ||
		!text_varint_get(g->postings, end, at, &n))
		return false;
	p_r->bitmap = n & 1;
	p_r->len = n & 1 ? 2 * bitmap : n / 2;
	p_r->s = g->postings + *at;
	if (p_r->len > end - *at)
		return false;
	*at += p_r->len;
	return true;
}

/* The next message of a posting that is no bitmap. next: 0 at first. */
static bool
next_doc(struct text_segment const *g, struct posting const *p, size_t *at,
	uint32_t *next, uint32_t *doc_r, unsigned *where_r)
{
	uint32_t n;

	if (!text_varint_get(p->s, p->len, at, &n) ||
		n >> 2 >= g->head.docs - *next)
		return false;
	*doc_r = *next + (n >> 2);
	*next = *doc_r + 1;
	*where_r = n & 3;
	return true;
}

static bool
read_docs(struct text_segment *g, struct posting const *p, unsigned where,
	unsigned char *hits)
{
	size_t const bitmap = (g->head.docs + 7) / 8;
	uint32_t next = 0, doc;
	unsigned in;
	size_t at = 0;

	if (!check(g, p->s, p->len))
		return false;
	if (p->bitmap) {
		for (size_t i = 0; i < bitmap; i++)
			hits[i] |=
				(unsigned char)((where & TEXT_IN_HEADER
								? p->s[i]
								: 0) |
						(where & TEXT_IN_BODY
								? p->s[bitmap +
									  i]
								: 0));
		return true;
	}
	while (at < p->len) {
		if (!next_doc(g, p, &at, &next, &doc, &in))
			return false;
		if (in & where)
			hits[doc / 8] |= (unsigned char)(1u << doc % 8);
	}
	return true;
}

static bool
all_set(unsigned char const *bits, size_t count)
{
	for (size_t i = 0; i < count / 8; i++)
		if (bits[i] != 0xff)
			return false;
	for (size_t i = count / 8 * 8; i < count; i++)
		if (!(bits[i / 8] >> (i % 8) & 1))
			return false;
	return true;
}

/* Does the word at offset from..to match? at: where the piece is in it. */
static bool
fits(struct text_piece const *piece, size_t at, size_t from, size_t to)
{
	return (!piece->from_start || at == from) &&
	       (!piece->to_end || at + piece->len == to);
}

/* Bounds of the word around an offset. */
static void
word_around(
	struct text_segment const *g, size_t at, size_t *from_r, size_t *to_r)
{
	size_t const len = (size_t)g->head.words_len;
	size_t from = at;
	unsigned char const *end = memchr(g->words + at, '\n', len - at);

	while (from > 0 && g->words[from - 1] != '\n')
		from--;
	*from_r = from;
	*to_r = end != NULL ? (size_t)(end - g->words) : len;
}

static bool
find_frequent(struct text_segment *g, struct text_piece const *piece,
	unsigned where, unsigned char *hits)
{
	char const *const words = (char const *)g->words;

	for (uint32_t k = 0; k < g->head.frequent; k++) {
		unsigned char const *const entry =
			g->frequent + k * sizeof(struct text_frequent);
		uint32_t const word = number(entry);
		size_t at = number(entry + sizeof word), from, to;
		struct posting p;

		if (word >= g->head.words_len)
			return false;
		word_around(g, word, &from, &to);
		for (char const *s = words + from;
			(s = text_find(s, (size_t)(words + to - s), piece->s,
				 piece->len)) != NULL;
			s++) {
			if (!fits(piece, (size_t)(s - words), from, to))
				continue;
			if (!read_posting(g, &at, &p) ||
				!read_docs(g, &p, where, hits))
				return false;
			break;
		}
	}
	return true;
}

/* Goes on from word to word to the one at offset `to`, which is behind it. */
struct cursor {
	size_t word, posting;
};

static bool
seek_group(struct text_segment const *g, size_t to, struct cursor *c)
{
	uint32_t low = 0, high = g->head.groups;

	while (high - low > 1) {
		uint32_t const middle = low + (high - low) / 2;

		if (number(g->groups + middle * sizeof(struct text_group)) <=
			to)
			low = middle;
		else
			high = middle;
	}
	if (high == 0)
		return false;
	unsigned char const *const group =
		g->groups + low * sizeof(struct text_group);

	if (number(group) > c->word) {
		c->word = number(group);
		c->posting = number(group + sizeof(uint32_t));
	}
	return true;
}

static bool
seek_word(struct text_segment *g, size_t to, struct cursor *c)
{
	struct posting p;

	if (!seek_group(g, to, c))
		return false;
	while (c->word < to) {
		unsigned char const *const end =
			memchr(g->words + c->word, '\n', to - c->word);

		if (end == NULL || !read_posting(g, &c->posting, &p))
			return false;
		c->word = (size_t)(end - g->words) + 1;
	}
	return c->word == to;
}

static bool
find(struct text_segment *g, struct text_piece const *piece, unsigned where,
	unsigned char *hits)
{
	char const *const words = (char const *)g->words;
	size_t const len = (size_t)g->head.words_len;
	struct cursor c = {0, 0};
	size_t at = 0, looks = 0;

	if (!check(g, g->words, len) || !find_frequent(g, piece, where, hits))
		return false;
	while (at < len) {
		size_t from, to, posting;
		struct posting p;
		char const *s;

		if (looks++ % 256 == 0 && all_set(hits, g->head.docs))
			return true;
		s = text_find(words + at, len - at, piece->s, piece->len);
		if (s == NULL)
			return true;
		at = (size_t)(s - words);
		word_around(g, at, &from, &to);
		if (!fits(piece, at, from, to)) {
			/* It may fit further on in the word. */
			at++;
			continue;
		}
		if (!seek_word(g, from, &c))
			return false;
		posting = c.posting;
		if (!read_posting(g, &posting, &p))
			return false;
		if (!p.bitmap && !read_docs(g, &p, where, hits))
			return false;
		at = to;
	}
	return true;
}

bool
text_segment_find(struct text_segment *g, struct text_piece const *piece,
	unsigned where, unsigned char *hits)
{
	return find(g, piece, where, hits) && text_segment_is_whole(g);
}

/* As doc << 2 | where. */
static bool
list_docs(struct text_segment *g, struct posting const *p, uint32_t *list,
	size_t *count_r)
{
	size_t const bitmap = (g->head.docs + 7) / 8;
	uint32_t next = 0, doc;
	unsigned in;
	size_t at = 0, count = 0;

	if (!check(g, p->s, p->len))
		return false;
	for (uint32_t i = 0; p->bitmap && i < g->head.docs; i++) {
		in = (p->s[i / 8] >> (i % 8) & 1) * TEXT_IN_HEADER |
		     (p->s[bitmap + i / 8] >> (i % 8) & 1) * TEXT_IN_BODY;
		if (in != 0)
			list[count++] = i << 2 | in;
	}
	while (!p->bitmap && at < p->len) {
		if (!next_doc(g, p, &at, &next, &doc, &in))
			return false;
		list[count++] = doc << 2 | in;
	}
	*count_r = count;
	return true;
}

int
text_walk_next(struct text_walk *w, char const **s_r, size_t *len_r,
	uint32_t *list, size_t *count_r)
{
	struct text_segment *const g = w->g;
	size_t const len = (size_t)g->head.words_len;
	size_t const left = len - w->word;
	unsigned char const *end;
	struct posting p;

	if (left == 0)
		return 0;
	if (!check(g, g->words + w->word,
		    left < TEXT_TOKEN_MAX + 1 ? left : TEXT_TOKEN_MAX + 1))
		return -1;
	end = memchr(g->words + w->word, '\n', left);
	if (end == NULL ||
		(size_t)(end - g->words) - w->word > TEXT_TOKEN_MAX ||
		!read_posting(g, &w->posting, &p) ||
		!list_docs(g, &p, list, count_r))
		return -1;
	*s_r = (char const *)g->words + w->word;
	*len_r = (size_t)(end - g->words) - w->word;
	w->word += *len_r + 1;
	return 1;
}
