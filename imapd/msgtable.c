/* Messages by number and by base name; see msgtable.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sodium.h>

#include "common/filename.h"
#include "imapd/msgtable.h"

static bool
in_map(struct msgtable const *t, void const *p)
{
	return t->map != NULL && (char const *)p >= t->map &&
	       (char const *)p < t->map + t->map_len;
}

static void
forget_slots(struct msgtable *t)
{
	if (!in_map(t, t->slots))
		free(t->slots);
	free(t->late);
	t->slots = t->late = NULL;
	t->late_count = t->late_used = 0;
}

void
msgtable_free(struct msgtable *t)
{
	if (!in_map(t, t->v))
		free(t->v);
	forget_slots(t);
	stralloc_free(&t->names);
	if (t->map != NULL)
		munmap(t->map, t->map_len);
	*t = (struct msgtable)MSGTABLE_ZERO;
}

/* Keyed, so that nobody can choose names that collide. */
uint32_t
msgtable_hash(struct msgtable *t, char const *s, size_t len)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint32_t n;

	if (!t->has_key)
		randombytes_buf(t->key, sizeof t->key);
	t->has_key = true;
	(void)crypto_shorthash(out, (unsigned char const *)s, len, t->key);
	memcpy(&n, out, sizeof n);
	return n;
}

static void
insert(struct msgtable const *t, uint32_t *slots, size_t slots_count, size_t i)
{
	size_t const mask = slots_count - 1;
	size_t at = t->v[i].hash & mask;

	while (slots[at] != 0)
		at = (at + 1) & mask;
	slots[at] = (uint32_t)i + 1;
}

/* A hash of the messages from..count. */
static uint32_t *
make(struct msgtable const *t, size_t from, size_t *slots_count_r)
{
	uint32_t *slots;
	size_t n = 64;

	while (n < (t->count - from) * 2 + 2)
		n *= 2;
	slots = calloc(n, sizeof *slots);
	for (size_t i = from; slots != NULL && i < t->count; i++)
		insert(t, slots, n, i);
	*slots_count_r = n;
	return slots;
}

static bool
make_slots(struct msgtable *t)
{
	if (t->slots == NULL)
		t->slots = make(t, 0, &t->slots_count);
	return t->slots != NULL;
}

/* The last one is new. What cannot be put in is forgotten: all is made anew. */
static void
insert_last(struct msgtable *t)
{
	bool const is_late = in_map(t, t->slots);
	size_t const used = is_late ? ++t->late_used : t->count;
	size_t const room = is_late ? t->late_count : t->slots_count;

	if (t->slots == NULL)
		return;
	if (is_late && used * 2 > room) {
		free(t->late);
		t->late = make(t, t->count - used, &t->late_count);
		if (t->late == NULL)
			forget_slots(t);
	} else if (used * 2 > room) {
		forget_slots(t);
	} else {
		insert(t, is_late ? t->late : t->slots, room, t->count - 1);
	}
}

static bool
set_name(struct msgtable *t, struct message *m, char const *name, size_t len)
{
	struct filename f;
	uint64_t size;

	if (len > FILENAME_MAX_LEN || t->fixed_len > UINT32_MAX / 2 ||
		t->names.len > UINT32_MAX / 2 - FILENAME_MAX_LEN - 1) {
		errno = ENAMETOOLONG;
		return false;
	}
	filename_parse(name, len, &f);
	m->name = (uint32_t)(t->fixed_len + t->names.len);
	if (!stralloc_catb(&t->names, name, len) || !stralloc_0(&t->names))
		return false;
	m->name_len = (uint8_t)len;
	m->base_len = (uint8_t)f.base_len;
	m->system = (uint8_t)f.system;
	m->keywords = f.keywords;
	t->used |= f.keywords;
	if (m->size == MESSAGE_SIZE_UNKNOWN &&
		filename_size(name, f.base_len, 'W', &size) &&
		size < MESSAGE_SIZE_UNKNOWN)
		m->size = (uint32_t)size;
	return true;
}

static bool
grow(struct msgtable *t)
{
	size_t const more = t->allocated + t->allocated / 2 + 16;
	struct message *const v =
		reallocarray(in_map(t, t->v) ? NULL : t->v, more, sizeof *v);

	if (v == NULL)
		return false;
	if (in_map(t, t->v))
		memcpy(v, t->v, t->count * sizeof *v);
	t->v = v;
	t->allocated = more;
	return true;
}

size_t
msgtable_add(struct msgtable *t, char const *name, size_t len, unsigned state)
{
	struct message m = {.state = (uint8_t)state,
		.size = MESSAGE_SIZE_UNKNOWN,
		.logged = MESSAGE_UNLOGGED};

	if (t->count == t->allocated && !grow(t))
		return MSGTABLE_NONE;
	if (t->count >= UINT32_MAX / 4 || !set_name(t, &m, name, len))
		return MSGTABLE_NONE;
	m.hash = msgtable_hash(t, name, m.base_len);
	t->v[t->count++] = m;
	msgtable_mark(t, t->count - 1, state);
	insert_last(t);
	return t->count - 1;
}

static size_t
find(struct msgtable const *t, uint32_t const *slots, size_t slots_count,
	char const *base, size_t len, uint32_t hash)
{
	size_t const mask = slots_count - 1;

	for (size_t at = hash & mask; slots[at] != 0; at = (at + 1) & mask) {
		size_t const i = slots[at] - 1;

		if (t->v[i].hash == hash && t->v[i].base_len == len &&
			memcmp(msgtable_name(t, i), base, len) == 0)
			return i;
	}
	return MSGTABLE_NONE;
}

size_t
msgtable_find(struct msgtable *t, char const *base, size_t len)
{
	size_t i = MSGTABLE_NONE;
	uint32_t hash;

	if (t->count == 0 || !make_slots(t))
		return MSGTABLE_NONE;
	hash = msgtable_hash(t, base, len);
	if (t->late != NULL)
		i = find(t, t->late, t->late_count, base, len, hash);
	return i != MSGTABLE_NONE
		       ? i
		       : find(t, t->slots, t->slots_count, base, len, hash);
}

/* Names that nothing uses are dropped when they outweigh the rest. Those in
 * the map stay. */
static void
pack_names(struct msgtable *t)
{
	stralloc packed = STRALLOC_ZERO;

	if (t->garbage < 4096 || t->garbage < t->names.len / 2 ||
		!stralloc_ready(&packed, t->names.len + 1))
		return;
	for (size_t i = 0; i < t->count; i++) {
		char const *const name = msgtable_name(t, i);

		if (t->v[i].name < t->fixed_len)
			continue;
		t->v[i].name = (uint32_t)(t->fixed_len + packed.len);
		memcpy(packed.s + packed.len, name, t->v[i].name_len + 1u);
		packed.len += t->v[i].name_len + 1u;
	}
	stralloc_free(&t->names);
	t->names = packed;
	t->garbage = 0;
}

bool
msgtable_rename(struct msgtable *t, size_t i, char const *name, size_t len)
{
	t->differs = t->differs || i < t->from_map;

	struct message *const m = &t->v[i];
	unsigned const old_len = m->name_len;
	bool const is_fixed = m->name < t->fixed_len;
	struct filename f;

	/* Most often only the letters change, and there is room. */
	if (len <= old_len) {
		char *const at =
			is_fixed ? t->fixed + m->name
				 : t->names.s + (m->name - t->fixed_len);

		filename_parse(name, len, &f);
		memcpy(at, name, len);
		at[len] = '\0';
		t->garbage += is_fixed ? 0 : old_len - len;
		m->name_len = (uint8_t)len;
		m->system = (uint8_t)f.system;
		m->keywords = f.keywords;
		t->used |= f.keywords;
		return true;
	}
	if (!set_name(t, m, name, len))
		return false;
	t->garbage += is_fixed ? 0 : old_len + 1;
	pack_names(t);
	return true;
}

void
msgtable_remove(struct msgtable *t, unsigned state)
{
	size_t n = 0;

	/* Records in a map are not touched for nothing. */
	if (!(t->states & state))
		return;
	for (size_t i = 0; i < t->count; i++) {
		if (!(t->v[i].state & state)) {
			/* Not a page more is written than must be. */
			if (n != i)
				t->v[n] = t->v[i];
			n++;
		} else if (t->v[i].name >= t->fixed_len) {
			t->garbage += t->v[i].name_len + 1u;
		}
	}
	t->states &= ~state;
	if (n == t->count)
		return;
	t->count = n;
	t->marked_from = 0;
	t->differs = true;
	forget_slots(t);
	pack_names(t);
}

/* Delivery time first: "1276528487.M364837...", then the rest. */
static int
compare_names(char const *a, char const *b)
{
	unsigned long long const x = strtoull(a, NULL, 10);
	unsigned long long const y = strtoull(b, NULL, 10);

	return x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

static char const *
name_of(struct msgtable const *t, struct message const *m)
{
	return m->name < t->fixed_len ? t->fixed + m->name
				      : t->names.s + (m->name - t->fixed_len);
}

static int
compare(void const *a, void const *b, void *data)
{
	struct msgtable const *const t = data;
	struct message const *const x = a, *const y = b;

	if (x->uid == 0 && y->uid == 0)
		return compare_names(name_of(t, x), name_of(t, y));
	/* 0 - 1 is the greatest. */
	return x->uid - 1 < y->uid - 1 ? -1 : x->uid - 1 > y->uid - 1;
}

void
msgtable_sort(struct msgtable *t)
{
	if (t->count < 2)
		return;
	qsort_r(t->v, t->count, sizeof *t->v, compare, t);
	t->marked_from = 0;
	forget_slots(t);
}
