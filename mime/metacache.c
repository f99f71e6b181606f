/* Looks messages up in kereru-meta; see metacache.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mime/metacache.h"

/* Read at a time while the records are counted up. */
#define BLOCK 262144

/* More records than that belong to no folder. */
#define PLACES_MAX ((size_t)1 << 23)

/* A record that has a header. */
struct metacache_place {
	uint32_t name, inode;
	uint32_t at, len; /* in META_UNIT */
};

static int
compare(void const *a, void const *b)
{
	struct metacache_place const *const x = a, *const y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Read up to len octets at an offset; the number, 0 at the end or on failure.
 */
static size_t
read_at(int fd, char *s, size_t len, uint64_t at)
{
	ssize_t n;

	do
		n = pread(fd, s, len, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n > 0 ? (size_t)n : 0;
}

static bool
add(struct metacache *c, struct metarecord const *r, uint64_t at)
{
	struct metacache_place const place = {.name = r->name,
		.inode = r->inode,
		.at = (uint32_t)(at / META_UNIT),
		.len = r->head.len / META_UNIT};

	if (!(r->present & META_HEADER) || r->inode == 0)
		return true;
	return genalloc_len(struct metacache_place, &c->places) < PLACES_MAX &&
	       genalloc_append(struct metacache_place, &c->places, &place);
}

/*
 * Go from record to record. Heads are believed here, so that damage may lead
 * astray; what is given to anybody is checked when it is.
 */
static void
count_up(struct metacache *c, char *block)
{
	uint64_t at = META_MAGIC_LEN, start = 0;
	size_t len = 0;
	struct metarecord r;

	while (at / META_UNIT <= UINT32_MAX) {
		if (at - start > len || len - (size_t)(at - start) < sizeof r) {
			start = at;
			len = read_at(c->fd, block, BLOCK, start);
			if (len < sizeof r)
				return;
		}
		memcpy(&r, block + (size_t)(at - start), sizeof r);
		if (!metarecord_is_head(&r.head) || !add(c, &r, at))
			return;
		at += r.head.len;
	}
}

static bool
is_ours(int fd)
{
	char magic[META_MAGIC_LEN];
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       read_at(fd, magic, sizeof magic, 0) == sizeof magic &&
	       memcmp(magic, META_MAGIC, sizeof magic) == 0;
}

bool
metacache_open(struct metacache *c, char const *maildir)
{
	char *const block = malloc(BLOCK);
	stralloc path = STRALLOC_ZERO;

	metacache_close(c);
	if (block && stralloc_cats(&path, maildir) &&
		stralloc_cats(&path, "/" META_FILE) && stralloc_0(&path))
		c->fd = open(path.s, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
					     O_NOCTTY | O_CLOEXEC);
	if (c->fd >= 0 && is_ours(c->fd)) {
		count_up(c, block);
		if (c->places.len > 0)
			qsort(c->places.s,
				genalloc_len(
					struct metacache_place, &c->places),
				sizeof(struct metacache_place), compare);
	}
	free(block);
	stralloc_free(&path);
	if (c->places.len == 0)
		metacache_close(c);
	return c->fd >= 0;
}

/* The last record of that name and inode. */
static struct metacache_place const *
find(struct metacache const *c, uint32_t name, uint32_t inode)
{
	struct metacache_place const key = {name, inode, UINT32_MAX, 0};
	struct metacache_place const *const v =
		genalloc_s(struct metacache_place, &c->places);
	size_t low = 0;
	size_t high = genalloc_len(struct metacache_place, &c->places);

	while (low < high) {
		size_t const middle = low + (high - low) / 2;

		if (compare(&v[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || v[low - 1].name != name || v[low - 1].inode != inode)
		return NULL;
	return &v[low - 1];
}

/* Have the octets of a record; the next ones too, if they are asked for in the
 * order of the file. NULL: they cannot be had. */
static char const *
have(struct metacache *c, uint64_t at, size_t len)
{
	stralloc *const b = &c->block;
	size_t const ask = at == c->next && len < BLOCK ? BLOCK : len;

	c->next = at + len;
	if (at < c->block_at || at - c->block_at > b->len ||
		len > b->len - (size_t)(at - c->block_at)) {
		b->len = 0;
		if (!stralloc_ready(b, ask))
			return NULL;
		b->len = read_at(c->fd, b->s, ask, at);
		c->block_at = at;
	}
	return len <= b->len - (size_t)(at - c->block_at)
		       ? b->s + (size_t)(at - c->block_at)
		       : NULL;
}

bool
metacache_get(struct metacache *c, char const *name, struct stat const *st,
	struct meta_entry *e_r)
{
	uint32_t const crc = metarecord_name(name, strcspn(name, ":"));
	uint32_t const inode = metarecord_inode(st->st_ino);
	struct metacache_place const *const place =
		c->fd < 0 || !S_ISREG(st->st_mode) ? NULL : find(c, crc, inode);
	struct metarecord r;
	char const *s;
	size_t len;

	if (!place)
		return false;
	len = (size_t)place->len * META_UNIT;
	s = have(c, (uint64_t)place->at * META_UNIT, len);
	return s && metarecord_is_whole(s, len) &&
	       metarecord_take_apart(s, len, &r, e_r) && r.name == crc &&
	       r.inode == inode && r.present & META_HEADER &&
	       r.present & META_DATE && r.date == st->st_mtim.tv_sec;
}

void
metacache_close(struct metacache *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	genalloc_free(struct metacache_place, &c->places);
	stralloc_free(&c->block);
	c->block_at = c->next = 0;
}
