/* A folder as it was; see view.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>

#include "common/crc32c.h"
#include "imapd/flag_args.h"
#include "imapd/view.h"

#define MAGIC "KRVIEW\0\1"
#define PAGE 4096u
/* Room for messages that come while the file is mapped. */
#define SPARE_RECORDS 256u

_Static_assert(sizeof(struct view_head) <= PAGE, "the head is one page");
_Static_assert(sizeof(struct message) == 48, "records have no holes");

/* Where the parts are: head, names, hash, vanished UIDs, records. The records
 * come last, so that a map can go on behind them. */
struct parts {
	size_t names, slots, vanished, records, end;
};

/* Differs where this program's records would look different. */
static uint32_t
layout(void)
{
	uint32_t const order = 0x01020304;
	unsigned char octets[sizeof order];

	memcpy(octets, &order, sizeof order);
	return crc32c((uint32_t)(sizeof(struct message) ^
				 sizeof(struct view_head) << 16),
		octets, sizeof octets);
}

static uint32_t
head_crc(struct view_head const *h)
{
	size_t const at = offsetof(struct view_head, layout);

	return crc32c(0, (char const *)h + at, sizeof *h - at);
}

static size_t
up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* Sizes below 2^32 each: nothing overflows. */
static struct parts
find_parts(struct view_head const *h)
{
	struct parts p = {.names = PAGE};

	p.slots = up(p.names + (size_t)h->names_len, 8);
	p.vanished = up(p.slots + (size_t)h->slots_count * sizeof(uint32_t), 8);
	p.records = up(p.vanished + (size_t)h->vanished_count *
					    sizeof(struct vanished),
		PAGE);
	p.end = p.records + (size_t)h->count * sizeof(struct message);
	return p;
}

static bool
read_all(int fd, char *s, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t const n = pread(fd, s + at, len - at, (off_t)at);

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
	return memcmp(h->magic, MAGIC, sizeof h->magic) == 0 &&
	       h->crc == head_crc(h) && h->layout == layout() &&
	       h->names_len < UINT32_MAX / 2 && h->count < UINT32_MAX / 4 &&
	       h->slots_count > h->count &&
	       (h->slots_count & (h->slots_count - 1)) == 0;
}

/* Memory of the whole file and of some records behind it. */
static bool
bring_in(struct msgtable *t, int fd, struct parts const *p, bool map)
{
	size_t const len =
		up(p->end, PAGE) + SPARE_RECORDS * sizeof(struct message);
	int const access = PROT_READ | PROT_WRITE;

	t->map = mmap(NULL, len, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return false;
	}
	t->map_len = len;
	if (map)
		return mmap(t->map, p->end, access, MAP_PRIVATE | MAP_FIXED, fd,
			       0) != MAP_FAILED;
	return read_all(fd, t->map, p->end);
}

static void
set_table(struct msgtable *t, struct view *v, struct parts const *p)
{
	struct view_head const *const h = &v->head;
	void *const records = t->map + p->records;
	void *const slots = t->map + p->slots;
	void *const vanished = t->map + p->vanished;

	t->v = records;
	t->count = h->count;
	t->allocated = (t->map_len - p->records) / sizeof(struct message);
	t->fixed = t->map + p->names;
	t->fixed_len = (size_t)h->names_len;
	t->slots = slots;
	t->slots_count = h->slots_count;
	memcpy(t->key, h->key, sizeof t->key);
	t->has_key = true;
	t->used = h->used;
	t->states = h->in_new > 0 ? MESSAGE_IN_NEW : 0;
	v->vanished = vanished;
}

int
view_open(struct view *v, struct msgtable *t, int folder_fd, bool map)
{
	int const fd = openat(folder_fd, VIEW_FILE,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct parts p;
	struct stat st;
	bool ok;

	*v = (struct view){.vanished = NULL};
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	     pread(fd, &v->head, sizeof v->head, 0) ==
		     (ssize_t)sizeof v->head &&
	     is_sound(&v->head);
	if (ok) {
		p = find_parts(&v->head);
		ok = (uint64_t)st.st_size == p.end && bring_in(t, fd, &p, map);
	}
	close(fd);
	if (ok)
		set_table(t, v, &p);
	else
		msgtable_free(t);
	return ok;
}

bool
view_check_records(struct view *v, struct msgtable const *t)
{
	struct view_head const *const h = &v->head;
	struct parts const p = find_parts(h);

	if (t->map == NULL || v->records_checked)
		return true;
	v->records_checked = crc32c_lanes(t->map + p.records,
				     p.end - p.records) == h->records_crc &&
			     crc32c_lanes(t->map + p.slots,
				     p.records - p.slots) == h->slots_crc;
	return v->records_checked;
}

bool
view_check_names(struct view *v, struct msgtable const *t)
{
	if (t->map == NULL || v->names_checked)
		return true;
	v->names_checked =
		crc32c_lanes(t->fixed, t->fixed_len) == v->head.names_crc;
	return v->names_checked;
}

uint64_t
view_mix(uint64_t mix, uint32_t uid)
{
	uint64_t x = uid * UINT64_C(0x9E3779B97F4A7C15);

	x ^= x >> 29;
	return mix + x * UINT64_C(0xBF58476D1CE4E5B9);
}

static void
count_in(struct view_head *h, struct message const *m)
{
	h->count++;
	h->names_len += m->name_len + 1u;
	h->mix = view_mix(h->mix, m->uid);
	h->in_new += m->state & MESSAGE_IN_NEW ? 1 : 0;
	h->used |= m->keywords;
	h->last_uid = m->uid;
	if (!(m->system & FLAG_SEEN) && h->unseen++ == 0)
		h->first_unseen = h->count;
}

static void
put_slot(char *slots, size_t slots_count, uint32_t hash, uint32_t number)
{
	size_t at = hash & (slots_count - 1);
	uint32_t there;

	for (;; at = (at + 1) & (slots_count - 1)) {
		memcpy(&there, slots + at * sizeof there, sizeof there);
		if (there == 0)
			break;
	}
	memcpy(slots + at * sizeof number, &number, sizeof number);
}

/* Everything but the head. */
static void
fill(char *s, struct view_head const *h, struct parts const *p,
	struct msgtable const *t, struct vanished const *vanished)
{
	size_t names = 0, n = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct message m = t->v[i];

		if (m.state & MESSAGE_GONE)
			continue;
		memcpy(s + p->names + names, msgtable_name(t, i),
			m.name_len + 1u);
		m.name = (uint32_t)names;
		m.state &= MESSAGE_IN_NEW;
		names += m.name_len + 1u;
		memcpy(s + p->records + n * sizeof m, &m, sizeof m);
		put_slot(s + p->slots, h->slots_count, m.hash, (uint32_t)++n);
	}
	if (h->vanished_count > 0)
		memcpy(s + p->vanished, vanished,
			h->vanished_count * sizeof *vanished);
}

static bool
write_file(int folder_fd, char const *s, size_t len)
{
	char name[64];
	size_t at = 0;
	int fd, error;

	(void)snprintf(name, sizeof name, VIEW_FILE ".%08lx%08lx",
		(unsigned long)randombytes_random(),
		(unsigned long)randombytes_random());
	fd = openat(folder_fd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	while (at < len) {
		ssize_t const n = write(fd, s + at, len - at);

		if (n < 0 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	error = errno;
	if (close(fd) == 0 && at == len &&
		renameat(folder_fd, name, folder_fd, VIEW_FILE) == 0)
		return true;
	if (at == len)
		error = errno;
	(void)unlinkat(folder_fd, name, 0);
	errno = error;
	return false;
}

bool
view_write(int folder_fd, struct view_head const *head, struct msgtable *t,
	struct vanished const *vanished, size_t vanished_count)
{
	struct view_head h = {.layout = layout(),
		.state = head->state,
		.floor = head->floor,
		.slots_count = 64,
		.vanished_count = (uint32_t)vanished_count};
	struct parts p;
	char *s;
	bool ok;

	/* The hashes of the records are under the table's key. */
	if (!t->has_key)
		randombytes_buf(t->key, sizeof t->key);
	t->has_key = true;
	memcpy(h.magic, MAGIC, sizeof h.magic);
	memcpy(h.generations, head->generations, sizeof h.generations);
	memcpy(h.positions, head->positions, sizeof h.positions);
	memcpy(h.key, t->key, sizeof h.key);
	for (size_t i = 0; i < t->count; i++)
		if (!(t->v[i].state & MESSAGE_GONE))
			count_in(&h, &t->v[i]);
	while (h.slots_count < h.count * 2 + 2)
		h.slots_count *= 2;
	if (h.names_len >= UINT32_MAX / 2 || vanished_count > UINT32_MAX / 2) {
		errno = EFBIG;
		return false;
	}
	p = find_parts(&h);
	s = mmap(NULL, p.end, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return false;
	fill(s, &h, &p, t, vanished);
	h.names_crc = crc32c_lanes(s + p.names, (size_t)h.names_len);
	h.slots_crc = crc32c_lanes(s + p.slots, p.records - p.slots);
	h.records_crc = crc32c_lanes(s + p.records, p.end - p.records);
	h.crc = head_crc(&h);
	memcpy(s, &h, sizeof h);
	ok = write_file(folder_fd, s, p.end);

	int const error = errno;

	munmap(s, p.end);
	errno = error;
	return ok;
}
