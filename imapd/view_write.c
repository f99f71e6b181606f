/* Writing a folder down as it is; see view.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sodium.h>

#include "common/crc32c.h"
#include "imapd/flag_args.h"
#include "imapd/view_parts.h"

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
	if (m->state & MESSAGE_IN_NEW && h->in_new++ == 0)
		h->first_in_new = h->count - 1;
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
fill(char *s, struct view_head const *h, struct view_parts const *p,
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
	struct view_head h = {.layout = view_parts_layout(),
		.state = head->state,
		.floor = head->floor,
		.slots_count = 64,
		.vanished_count = (uint32_t)vanished_count};
	struct view_parts p;
	char *s;
	bool ok;

	/* The hashes of the records are under the table's key. */
	if (!t->has_key)
		randombytes_buf(t->key, sizeof t->key);
	t->has_key = true;
	memcpy(h.magic, VIEW_MAGIC, sizeof h.magic);
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
	view_parts_find(&p, &h);
	s = mmap(NULL, p.whole, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return false;
	fill(s, &h, &p, t, vanished);
	for (size_t k = 0; k < p.blocks; k++) {
		uint32_t const sum = view_parts_sum(s, &p, k);

		memcpy(s + p.sums + k * sizeof sum, &sum, sizeof sum);
	}
	h.sums_crc = crc32c_lanes(s + p.sums, p.whole - p.sums);
	h.crc = view_parts_head_crc(&h);
	memcpy(s, &h, sizeof h);
	ok = write_file(folder_fd, s, p.whole);

	int const error = errno;

	munmap(s, p.whole);
	errno = error;
	return ok;
}
