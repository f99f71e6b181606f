/* Who answers whom: step 1 of RFC 5256's REFERENCES; see thread.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "imapd/msgid.h"
#include "imapd/thread.h"

void
thread_init(struct thread *t, enum thread_algorithm algorithm)
{
	*t = (struct thread){.algorithm = algorithm,
		.ids = STRALLOC_ZERO,
		.subjects = STRALLOC_ZERO};
}

void
thread_free(struct thread *t)
{
	free(t->v);
	free(t->slots);
	free(t->roots);
	forest_free(&t->forest);
	stralloc_free(&t->ids);
	stralloc_free(&t->subjects);
	thread_init(t, t->algorithm);
}

bool
thread_new(struct thread *t, uint32_t *i_r)
{
	if (t->count == THREAD_NODES_MAX) {
		errno = ENOBUFS;
		return false;
	}
	if (t->count == t->allocated) {
		size_t const more = t->allocated > 0 ? t->allocated * 2 : 256;
		struct thread_node *const v = realloc(t->v, more * sizeof *v);

		if (v == NULL)
			return false;
		t->v = v;
		t->allocated = more;
	}
	*i_r = (uint32_t)t->count;
	t->v[t->count++] = (struct thread_node){.message = THREAD_NONE,
		.parent = THREAD_NONE,
		.child = THREAD_NONE,
		.last_child = THREAD_NONE,
		.next = THREAD_NONE,
		.arrival = INT64_MIN};
	return true;
}

static bool
new_linked(struct thread *t, uint32_t *i_r)
{
	return thread_new(t, i_r) && forest_add(&t->forest);
}

/* Keyed, so that nobody can choose ids that collide. */
static size_t
hash(char const *s, size_t len)
{
	static unsigned char key[crypto_shorthash_KEYBYTES];
	static bool has_key;
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t n;

	if (!has_key)
		crypto_shorthash_keygen(key);
	has_key = true;
	(void)crypto_shorthash(out, (unsigned char const *)s, len, key);
	memcpy(&n, out, sizeof n);
	return (size_t)n;
}

/* Where the id is in the table, or the free place for it. */
static uint32_t *
slot(struct thread const *t, char const *s, size_t len)
{
	size_t at = hash(s, len) & (t->slots_count - 1);

	while (t->slots[at] != 0) {
		struct thread_node const *const n = &t->v[t->slots[at] - 1];

		if (n->id_len == len && memcmp(t->ids.s + n->id, s, len) == 0)
			break;
		at = (at + 1) & (t->slots_count - 1);
	}
	return &t->slots[at];
}

static bool
grow_slots(struct thread *t)
{
	size_t const more = t->slots_count > 0 ? t->slots_count * 2 : 1024;
	uint32_t *const slots = calloc(more, sizeof *slots);

	if (slots == NULL)
		return false;
	free(t->slots);
	t->slots = slots;
	t->slots_count = more;
	for (size_t i = 0; i < t->count; i++)
		if (t->v[i].id_len > 0)
			*slot(t, t->ids.s + t->v[i].id, t->v[i].id_len) =
				(uint32_t)i + 1;
	return true;
}

static bool
find_or_add(struct thread *t, char const *id, size_t len, uint32_t *i_r)
{
	uint32_t *place;

	if (t->count * 2 >= t->slots_count && !grow_slots(t))
		return false;
	place = slot(t, id, len);
	if (*place != 0) {
		*i_r = *place - 1;
		return true;
	}
	if (t->ids.len > UINT32_MAX - len) {
		errno = ENOBUFS;
		return false;
	}
	if (!new_linked(t, i_r))
		return false;
	t->v[*i_r].id = (uint32_t)t->ids.len;
	if (!stralloc_catb(&t->ids, id, len))
		return false;
	t->v[*i_r].id_len = (uint32_t)len;
	*place = *i_r + 1;
	return true;
}

/* child has no parent, so it is the root of its tree: a loop would be made if
 * the parent is in the same one. */
static void
set_parent(struct thread *t, uint32_t child, uint32_t parent)
{
	if (child == parent || forest_root(&t->forest, parent) == child)
		return;
	forest_link(&t->forest, child, parent);
	t->v[child].parent = parent;
}

/* Step 1.A. *last_r: the last reference, or THREAD_NONE. */
static bool
link_references(
	struct thread *t, struct thread_message const *m, uint32_t *last_r)
{
	char id[MSGID_MAX];
	uint32_t last = THREAD_NONE, i;
	size_t pos = 0, len;

	while ((len = msgid_next(m->references, m->references_len, &pos, id)) >
		0) {
		if (!find_or_add(t, id, len, &i))
			return false;
		if (last != THREAD_NONE && t->v[i].parent == THREAD_NONE)
			set_parent(t, i, last);
		last = i;
	}
	pos = 0;
	if (last == THREAD_NONE &&
		(len = msgid_next(
			 m->in_reply_to, m->in_reply_to_len, &pos, id)) > 0 &&
		!find_or_add(t, id, len, &last))
		return false;
	*last_r = last;
	return true;
}

/* The node of the message: that of its id, unless another has it already. */
static bool
own_node(struct thread *t, struct thread_message const *m, uint32_t *i_r)
{
	char id[MSGID_MAX];
	size_t pos = 0, len = 0;

	if (t->algorithm != THREAD_ORDEREDSUBJECT)
		len = msgid_next(m->id, m->id_len, &pos, id);
	if (len > 0) {
		if (!find_or_add(t, id, len, i_r))
			return false;
		if (t->v[*i_r].message == THREAD_NONE)
			return true;
	}
	return new_linked(t, i_r);
}

bool
thread_add(struct thread *t, struct thread_message const *m)
{
	uint32_t i, last;

	if (!own_node(t, m, &i))
		return false;
	t->v[i].message = m->message;
	t->v[i].date = m->date;
	t->v[i].arrival = m->arrival;
	t->v[i].reply = m->reply;
	if (t->algorithm != THREAD_REFS) {
		if (t->subjects.len > UINT32_MAX - m->subject_len) {
			errno = ENOBUFS;
			return false;
		}
		t->v[i].subject = (uint32_t)t->subjects.len;
		t->v[i].subject_len = (uint32_t)m->subject_len;
		if (!stralloc_catb(&t->subjects, m->subject, m->subject_len))
			return false;
	}
	if (t->algorithm == THREAD_ORDEREDSUBJECT)
		return true;
	if (!link_references(t, m, &last))
		return false;
	/* Step 1.B: what the message itself says is right. */
	if (t->v[i].parent != THREAD_NONE) {
		forest_cut(&t->forest, i);
		t->v[i].parent = THREAD_NONE;
	}
	if (last != THREAD_NONE)
		set_parent(t, i, last);
	return true;
}

bool
thread_finish(struct thread *t)
{
	/* What was for linking alone goes before sorting needs room. */
	forest_free(&t->forest);
	free(t->slots);
	t->slots = NULL;
	t->slots_count = 0;
	stralloc_free(&t->ids);
	return thread_sort(t);
}
