/* A folder as it was, read as far as it is wanted; see view.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "imapd/view_parts.h"

/* Room for messages that come while the records are where they were read to. */
#define SPARE_RECORDS 256u
/* From this size on the kernel may use large pages. */
#define LARGE ((size_t)4 << 20)

static bool
read_all(int fd, char *s, size_t len, size_t from)
{
	size_t at = 0;

	while (at < len) {
		ssize_t const n =
			pread(fd, s + at, len - at, (off_t)(from + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static bool
is_sound(struct view_head const *h)
{
	return memcmp(h->magic, VIEW_MAGIC, sizeof h->magic) == 0 &&
	       h->crc == view_parts_head_crc(h) &&
	       h->layout == view_parts_layout() &&
	       h->names_len < UINT32_MAX / 2 && h->count < UINT32_MAX / 4 &&
	       h->slots_count > h->count &&
	       (h->slots_count & (h->slots_count - 1)) == 0;
}

/* Memory for the whole file and for some records behind it. */
static bool
make_room(struct msgtable *t, struct view_parts const *p)
{
	size_t const spare = SPARE_RECORDS * sizeof(struct message);
	size_t const len =
		(p->end + VIEW_PAGE - 1) / VIEW_PAGE * VIEW_PAGE + spare;

	t->map = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return false;
	}
	t->map_len = len;
	return true;
}

static void
set_table(struct msgtable *t, struct view *v, struct view_parts const *p)
{
	struct view_head const *const h = &v->head;
	void *const records = t->map + p->records;
	void *const slots = t->map + p->slots;
	void *const vanished = t->map + p->vanished;

	t->v = records;
	t->count = t->from_map = h->count;
	t->allocated = (t->map_len - p->records) / sizeof(struct message);
	t->fixed = t->map + p->names;
	t->fixed_len = (size_t)h->names_len;
	t->slots = slots;
	t->slots_count = h->slots_count;
	memcpy(t->key, h->key, sizeof t->key);
	t->has_key = true;
	t->used = h->used;
	t->states = h->in_new > 0 ? MESSAGE_IN_NEW : 0;
	t->marked_from = h->in_new > 0 ? h->first_in_new : h->count;
	v->vanished = vanished;
}

/* The checksums of all blocks, and which blocks have been read. */
static bool
read_sums(struct view *v, struct view_parts const *p)
{
	v->sums = calloc(p->blocks + 1, sizeof *v->sums);
	v->have = calloc(p->blocks / 8 + 1, 1);
	v->left = p->blocks;
	return v->sums != NULL && v->have != NULL &&
	       read_all(v->fd, (char *)v->sums, p->blocks * sizeof *v->sums,
		       p->sums) &&
	       crc32c_lanes(v->sums, p->blocks * sizeof *v->sums) ==
		       v->head.sums_crc;
}

void
view_close(struct view *v)
{
	if (v->fd >= 0)
		close(v->fd);
	free(v->sums);
	free(v->have);
	v->sums = NULL;
	v->have = NULL;
	v->fd = -1;
}

int
view_open(struct view *v, struct msgtable *t, int folder_fd)
{
	struct view_parts p;
	struct stat st;

	*v = (struct view)VIEW_ZERO;
	v->fd = openat(folder_fd, VIEW_FILE,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (v->fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	if (fstat(v->fd, &st) == 0 && S_ISREG(st.st_mode) &&
		read_all(v->fd, (char *)&v->head, sizeof v->head, 0) &&
		is_sound(&v->head)) {
		view_parts_find(&p, &v->head);
		if ((uint64_t)st.st_size == p.whole && read_sums(v, &p) &&
			make_room(t, &p)) {
			set_table(t, v, &p);
			return 1;
		}
	}
	view_close(v);
	msgtable_free(t);
	return 0;
}

static bool
has(struct view const *v, size_t k)
{
	return v->have[k / 8] >> k % 8 & 1;
}

/* Read the blocks from..to that are not there yet: never one that is, it may
 * have been changed since. */
static bool
read_blocks(struct view *v, struct msgtable const *t,
	struct view_parts const *p, size_t from, size_t to)
{
	while (from < to) {
		size_t end = from;

		while (end < to && !has(v, end))
			end++;
		if (end > from &&
			!read_all(v->fd, t->map + view_parts_at(p, from),
				view_parts_at(p, end) - view_parts_at(p, from),
				view_parts_at(p, from)))
			return false;
		for (; from < end; from++) {
			if (view_parts_sum(t->map, p, from) != v->sums[from])
				return false;
			v->have[from / 8] |= (unsigned char)(1u << from % 8);
			v->left--;
		}
		while (from < to && has(v, from))
			from++;
	}
	return true;
}

bool
view_is_whole(struct view const *v, struct msgtable const *t)
{
	return t->map == NULL || (v->sums == NULL && !v->damaged);
}

/* Have the octets at..at + len of the memory. */
static bool
need(struct view *v, struct msgtable const *t, struct view_parts const *p,
	size_t at, size_t len)
{
	if (len == 0)
		return true;
	v->damaged = v->damaged || !read_blocks(v, t, p, at / VIEW_PAGE - 1,
					   (at + len - 1) / VIEW_PAGE);
	return !v->damaged;
}

bool
view_need_all(struct view *v, struct msgtable const *t)
{
	struct view_parts p;

	if (view_is_whole(v, t))
		return true;
	if (v->damaged)
		return false;
	view_parts_find(&p, &v->head);
	if (t->map_len >= LARGE)
		(void)madvise(t->map, t->map_len, MADV_HUGEPAGE);
	if (!need(v, t, &p, VIEW_PAGE, p.end - VIEW_PAGE))
		return false;
	view_close(v);
	return true;
}

static bool
need_records(struct view *v, struct msgtable const *t,
	struct view_parts const *p, size_t from, size_t to)
{
	size_t const each = sizeof(struct message);

	if (to > t->from_map)
		to = t->from_map;
	return from >= to ||
	       need(v, t, p, p->records + from * each, (to - from) * each);
}

static bool
need_name(struct view *v, struct msgtable const *t, struct view_parts const *p,
	size_t i)
{
	struct message const *const m = &t->v[i];

	return m->name >= t->fixed_len ||
	       need(v, t, p, p->names + m->name, m->name_len + 1u);
}

bool
view_need(struct view *v, struct msgtable const *t, size_t from, size_t to)
{
	struct view_parts p;

	if (view_is_whole(v, t))
		return true;
	view_parts_find(&p, &v->head);
	return need_records(v, t, &p, from, to);
}

bool
view_need_name(struct view *v, struct msgtable const *t, size_t i)
{
	struct view_parts p;

	if (view_is_whole(v, t))
		return true;
	view_parts_find(&p, &v->head);
	return need_records(v, t, &p, i, i + 1) && need_name(v, t, &p, i);
}

bool
view_need_uid(struct view *v, struct msgtable const *t, uint32_t uid)
{
	size_t low = 0, high = t->count;
	struct view_parts p;

	/* It is behind all of them, and so it is behind those that have not
	 * been read, whose UIDs are 0. */
	if (view_is_whole(v, t) || uid > v->head.last_uid)
		return true;
	view_parts_find(&p, &v->head);
	/* The same steps as those of memory_find_uid. */
	while (low < high) {
		size_t const middle = low + (high - low) / 2;

		if (!need_records(v, t, &p, middle, middle + 1))
			return false;
		if (t->v[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return need_records(v, t, &p, low, low + 1);
}

bool
view_need_base(struct view *v, struct msgtable *t, char const *base, size_t len)
{
	size_t const each = sizeof *t->slots;
	size_t mask, at;
	struct view_parts p;
	uint32_t hash;

	if (view_is_whole(v, t))
		return true;
	/* What is made anew is made of everything. */
	if (t->slots == NULL)
		return view_need_all(v, t);
	view_parts_find(&p, &v->head);
	hash = msgtable_hash(t, base, len);
	mask = t->slots_count - 1;
	for (at = hash & mask;; at = (at + 1) & mask) {
		if (!need(v, t, &p, p.slots + at * each, each))
			return false;
		if (t->slots[at] == 0)
			return true;

		size_t const i = t->slots[at] - 1;

		if (i >= t->count || !need_records(v, t, &p, i, i + 1))
			return false;
		if (t->v[i].hash == hash && !need_name(v, t, &p, i))
			return false;
	}
}

bool
view_need_room(struct view *v, struct msgtable const *t)
{
	/* They move to where there is room for more. */
	return t->count < t->allocated || view_need_all(v, t);
}
