/* Sorts messages into conversations; see threads.h. */
#include <stdlib.h>
#include <string.h>

#include "mime/threads.h"

#define NO_DATE INT64_MAX

struct threads_node {
	size_t id;	  /* in ids */
	uint32_t id_len;  /* 0: has none */
	uint32_t message; /* THREADS_NONE: named only */
	uint32_t parent, child, last_child, next;
	uint32_t leader; /* towards that of its tree; union-find */
	int64_t date;
};

static struct threads_node *
node(struct threads const *t, uint32_t i)
{
	return &genalloc_s(struct threads_node, &t->nodes)[i];
}

static uint32_t
count(struct threads const *t)
{
	return (uint32_t)genalloc_len(struct threads_node, &t->nodes);
}

static uint64_t
hash(struct threads const *t, char const *s, size_t len)
{
	uint64_t h = t->seed ^ UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

/* Where the id is in the table, or the free place for it. */
static uint32_t *
slot(struct threads const *t, char const *s, size_t len)
{
	size_t at = (size_t)hash(t, s, len) & (t->table_size - 1);

	while (t->table[at] != THREADS_NONE) {
		struct threads_node const *const n = node(t, t->table[at]);

		if (n->id_len == len && memcmp(t->ids.s + n->id, s, len) == 0)
			break;
		at = (at + 1) & (t->table_size - 1);
	}
	return &t->table[at];
}

static bool
grow(struct threads *t)
{
	size_t const size = t->table_size > 0 ? t->table_size * 2 : 1024;
	uint32_t *const table = malloc(size * sizeof table[0]);

	if (!table)
		return false;
	memset(table, 0xff, size * sizeof table[0]);
	free(t->table);
	t->table = table;
	t->table_size = size;
	for (uint32_t i = 0; i < count(t); i++)
		if (node(t, i)->id_len > 0)
			*slot(t, t->ids.s + node(t, i)->id,
				node(t, i)->id_len) = i;
	return true;
}

static bool
add_node(struct threads *t, char const *id, size_t len, uint32_t *i_r)
{
	struct threads_node const n = {.id = t->ids.len,
		.id_len = (uint32_t)len,
		.message = THREADS_NONE,
		.parent = THREADS_NONE,
		.child = THREADS_NONE,
		.last_child = THREADS_NONE,
		.next = THREADS_NONE,
		.leader = count(t),
		.date = NO_DATE};

	*i_r = count(t);
	return stralloc_catb(&t->ids, id, len) &&
	       genalloc_append(struct threads_node, &t->nodes, &n);
}

static bool
find_or_add(struct threads *t, char const *id, size_t len, uint32_t *i_r)
{
	uint32_t *place;

	if ((size_t)count(t) * 2 >= t->table_size && !grow(t))
		return false;
	place = slot(t, id, len);
	if (*place != THREADS_NONE) {
		*i_r = *place;
		return true;
	}
	if (!add_node(t, id, len, i_r))
		return false;
	*place = *i_r;
	return true;
}

static uint32_t
leader(struct threads const *t, uint32_t i)
{
	while (node(t, i)->leader != i) {
		node(t, i)->leader = node(t, node(t, i)->leader)->leader;
		i = node(t, i)->leader;
	}
	return i;
}

/* Unless it has a parent, or would become its own ancestor: it is the root of
 * its tree, so that is where both are in the same tree. */
static void
set_parent(struct threads *t, uint32_t child, uint32_t parent)
{
	uint32_t const a = leader(t, child), b = leader(t, parent);

	if (node(t, child)->parent != THREADS_NONE || a == b)
		return;
	node(t, child)->parent = parent;
	node(t, a)->leader = b;
}

/* Find the last "<...>" of s[0..*len), and cut it off with what is behind. */
static bool
last_id(char const *s, size_t *len, char const **id_r, size_t *id_len_r)
{
	char const *const end = memrchr(s, '>', *len);
	char const *const start =
		end ? memrchr(s, '<', (size_t)(end - s)) : NULL;

	if (!start)
		return false;
	*id_r = start;
	*id_len_r = (size_t)(end - start) + 1;
	*len = (size_t)(start - s);
	return true;
}

static bool
add_references(struct threads *t, uint32_t i, char const *s, size_t len)
{
	char const *id;
	size_t id_len;
	uint32_t child = i;

	for (int n = 0;
		n < THREADS_REFERENCES_MAX && last_id(s, &len, &id, &id_len);
		n++) {
		uint32_t parent;

		if (id_len > UINT16_MAX)
			continue;
		if (!find_or_add(t, id, id_len, &parent))
			return false;
		set_parent(t, child, parent);
		child = parent;
	}
	return true;
}

bool
threads_add(struct threads *t, uint32_t message, int64_t date, char const *id,
	size_t id_len, char const *references, size_t references_len)
{
	uint32_t i = THREADS_NONE;

	if (id_len > 0 && id_len <= UINT16_MAX &&
		!find_or_add(t, id, id_len, &i))
		return false;
	/* None, or one that another message has already. */
	if ((i == THREADS_NONE || node(t, i)->message != THREADS_NONE) &&
		!add_node(t, "", 0, &i))
		return false;
	node(t, i)->message = message;
	node(t, i)->date = date < NO_DATE ? date : NO_DATE - 1;
	return add_references(t, i, references, references_len);
}

static int
compare(void const *a, void const *b, void *arg)
{
	struct threads const *const t = arg;
	struct threads_node const *const x = node(t, *(uint32_t const *)a);
	struct threads_node const *const y = node(t, *(uint32_t const *)b);

	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* What is only named is as old as the first message below it. */
static void
date_parents(struct threads const *t, uint32_t const *order)
{
	for (uint32_t k = 0; k < count(t); k++) {
		struct threads_node const *const n = node(t, order[k]);

		if (n->date == NO_DATE)
			return;
		for (uint32_t i = n->parent;
			i != THREADS_NONE && node(t, i)->date == NO_DATE;
			i = node(t, i)->parent)
			node(t, i)->date = n->date;
	}
}

static void
link_children(struct threads const *t, uint32_t const *order)
{
	for (uint32_t k = 0; k < count(t); k++) {
		uint32_t const i = order[k];
		struct threads_node *parent;

		if (node(t, i)->parent == THREADS_NONE)
			continue;
		parent = node(t, node(t, i)->parent);
		if (parent->child == THREADS_NONE)
			parent->child = i;
		else
			node(t, parent->last_child)->next = i;
		parent->last_child = i;
	}
}

static bool
walk(struct threads const *t, uint32_t root, genalloc *lines)
{
	uint32_t i = root, depth = 0;

	for (;;) {
		struct threads_node const *n = node(t, i);
		struct threads_line const line = {n->message, depth};

		if (n->message != THREADS_NONE &&
			!genalloc_append(struct threads_line, lines, &line))
			return false;
		if (n->child != THREADS_NONE) {
			depth += n->message != THREADS_NONE;
			i = n->child;
			continue;
		}
		while (i != root && n->next == THREADS_NONE) {
			i = n->parent;
			n = node(t, i);
			depth -= n->message != THREADS_NONE;
		}
		if (i == root)
			return true;
		i = n->next;
	}
}

bool
threads_sort(struct threads *t, genalloc *lines)
{
	uint32_t *const order = malloc((count(t) + 1) * sizeof order[0]);
	bool ok = order != NULL;

	for (uint32_t i = 0; ok && i < count(t); i++)
		order[i] = i;
	if (ok) {
		qsort_r(order, count(t), sizeof order[0], compare, t);
		date_parents(t, order);
		qsort_r(order, count(t), sizeof order[0], compare, t);
		link_children(t, order);
	}
	for (uint32_t k = 0; ok && k < count(t); k++)
		if (node(t, order[k])->parent == THREADS_NONE)
			ok = walk(t, order[k], lines);
	free(order);
	return ok;
}

void
threads_free(struct threads *t)
{
	genalloc_free(struct threads_node, &t->nodes);
	stralloc_free(&t->ids);
	free(t->table);
	t->table = NULL;
	t->table_size = 0;
}
