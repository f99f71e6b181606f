/* Trees of messages: steps 2 to 6 of RFC 5256's REFERENCES, and
 * ORDEREDSUBJECT; see thread.h. */
#include <stdlib.h>
#include <string.h>

#include "imapd/thread.h"

static struct thread_node *
node(struct thread const *t, uint32_t i)
{
	return &t->v[i];
}

static bool
is_dummy(struct thread const *t, uint32_t i)
{
	return t->v[i].message == THREAD_NONE;
}

static bool
add_root(struct thread *t, uint32_t i)
{
	if (t->roots_count == t->roots_allocated) {
		size_t const more =
			t->roots_allocated > 0 ? t->roots_allocated * 2 : 256;
		uint32_t *const roots = realloc(t->roots, more * sizeof *roots);

		if (roots == NULL)
			return false;
		t->roots = roots;
		t->roots_allocated = more;
	}
	t->roots[t->roots_count++] = i;
	return true;
}

static void
adopt(struct thread *t, uint32_t parent, uint32_t child)
{
	struct thread_node *const p = node(t, parent);

	t->v[child].parent = parent;
	t->v[child].next = THREAD_NONE;
	if (p->child == THREAD_NONE)
		p->child = child;
	else
		t->v[p->last_child].next = child;
	p->last_child = child;
}

/*
 * Step 3: who stands above i once dummies are gone: its nearest ancestor that
 * is a message, or the dummy at the root; THREAD_NONE for a root. Each node on
 * the way learns it too (in next, which nothing else uses yet).
 */
static uint32_t
real_parent(struct thread *t, uint32_t i)
{
	uint32_t const parent = t->v[i].parent;
	uint32_t top = parent, k;

	if (parent == THREAD_NONE)
		return THREAD_NONE;
	while (is_dummy(t, top) && t->v[top].parent != THREAD_NONE)
		top = t->v[top].next != THREAD_NONE ? t->v[top].next
						    : t->v[top].parent;
	for (k = parent; k != top && is_dummy(t, k);) {
		uint32_t const above = t->v[k].next != THREAD_NONE
					       ? t->v[k].next
					       : t->v[k].parent;

		t->v[k].next = top;
		k = above;
	}
	return top;
}

static bool
link_children(struct thread *t)
{
	uint32_t *const parents = malloc((t->count + 1) * sizeof *parents);

	if (parents == NULL)
		return false;
	for (uint32_t i = 0; i < t->count; i++)
		parents[i] = real_parent(t, i);
	for (uint32_t i = 0; i < t->count; i++)
		t->v[i].next = THREAD_NONE;
	for (uint32_t i = 0; i < t->count; i++) {
		if (parents[i] == THREAD_NONE)
			t->v[i].parent = THREAD_NONE;
		else if (!is_dummy(t, i))
			adopt(t, parents[i], i);
	}
	free(parents);
	return true;
}

/* Steps 2 and 3: a dummy at the root with one child gives way to it. */
static bool
gather_roots(struct thread *t, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t k = i;

		if (t->v[i].parent != THREAD_NONE)
			continue;
		if (is_dummy(t, i)) {
			k = t->v[i].child;
			if (k == THREAD_NONE)
				continue;
			if (t->v[k].next != THREAD_NONE)
				k = i;
			else
				t->v[i].child = THREAD_NONE;
		}
		if (!add_root(t, k))
			return false;
	}
	for (size_t k = 0; k < t->roots_count; k++)
		t->v[t->roots[k]].parent = THREAD_NONE;
	return true;
}

/* A dummy stands where its first child does. */
static struct thread_node const *
shown(struct thread const *t, uint32_t i)
{
	return node(t, is_dummy(t, i) ? t->v[i].child : i);
}

static int
compare(void const *a, void const *b, void *arg)
{
	struct thread const *const t = arg;
	struct thread_node const *const x = shown(t, *(uint32_t const *)a);
	struct thread_node const *const y = shown(t, *(uint32_t const *)b);

	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->message < y->message ? -1 : x->message > y->message;
}

/* Sort the children of i. scratch: room for all nodes. */
static void
sort_children(struct thread *t, uint32_t i, uint32_t *scratch)
{
	size_t n = 0;

	for (uint32_t k = t->v[i].child; k != THREAD_NONE; k = t->v[k].next)
		scratch[n++] = k;
	if (n < 2)
		return;
	qsort_r(scratch, n, sizeof *scratch, compare, t);
	t->v[i].child = t->v[i].last_child = THREAD_NONE;
	for (size_t k = 0; k < n; k++)
		adopt(t, i, scratch[k]);
}

/* Steps 4 and 6. Siblings below the root are messages, so that the order of
 * one set does not depend on another's; dummies need their children's. */
static void
sort_all(struct thread *t, uint32_t *scratch)
{
	for (uint32_t i = 0; i < t->count; i++)
		sort_children(t, i, scratch);
	if (t->roots_count > 1)
		qsort_r(t->roots, t->roots_count, sizeof *t->roots, compare, t);
}

static int
compare_subjects(struct thread const *t, struct thread_node const *x,
	struct thread_node const *y)
{
	uint32_t const shorter = x->subject_len < y->subject_len
					 ? x->subject_len
					 : y->subject_len;
	int const r = shorter == 0
			      ? 0
			      : memcmp(t->subjects.s + x->subject,
					t->subjects.s + y->subject, shorter);

	if (r != 0)
		return r;
	return x->subject_len < y->subject_len
		       ? -1
		       : x->subject_len > y->subject_len;
}

/* Positions in roots: by subject, those of one subject as they stand. */
static int
by_subject(void const *a, void const *b, void *arg)
{
	struct thread const *const t = arg;
	uint32_t const i = *(uint32_t const *)a, j = *(uint32_t const *)b;
	int const r = compare_subjects(
		t, shown(t, t->roots[i]), shown(t, t->roots[j]));

	return r != 0 ? r : i < j ? -1 : i > j;
}

/* Step 5.B: of the roots with one subject, given by positions, the one that is
 * in the subject table at the end. */
static uint32_t
table_entry(struct thread const *t, uint32_t const *positions, size_t n)
{
	uint32_t best = t->roots[positions[0]];

	for (size_t k = 1; k < n; k++) {
		uint32_t const i = t->roots[positions[k]];

		if (is_dummy(t, best))
			break;
		if (is_dummy(t, i) || (t->v[best].reply && !t->v[i].reply))
			best = i;
	}
	return best;
}

/* Step 5.C for roots[position] and the entry of the table, which may change. */
static bool
merge(struct thread *t, uint32_t position, uint32_t best_position,
	uint32_t *best)
{
	uint32_t const i = t->roots[position];
	uint32_t fresh;

	t->roots[position] = THREAD_NONE;
	if (is_dummy(t, *best) && is_dummy(t, i)) {
		for (uint32_t k = t->v[i].child; k != THREAD_NONE;) {
			uint32_t const next = t->v[k].next;

			adopt(t, *best, k);
			k = next;
		}
		t->v[i].child = t->v[i].last_child = THREAD_NONE;
		return true;
	}
	if (is_dummy(t, *best) || (t->v[i].reply && !t->v[*best].reply)) {
		adopt(t, *best, i);
		return true;
	}
	if (!thread_new(t, &fresh))
		return false;
	adopt(t, fresh, *best);
	adopt(t, fresh, i);
	t->roots[best_position] = *best = fresh;
	return true;
}

/* Roots with one subject: positions[0..n). */
static bool
merge_group(struct thread *t, uint32_t const *positions, size_t n)
{
	uint32_t best = table_entry(t, positions, n);
	uint32_t best_position = positions[0];

	for (size_t k = 0; k < n; k++)
		if (t->roots[positions[k]] == best)
			best_position = positions[k];
	for (size_t k = 0; k < n; k++)
		if (positions[k] != best_position &&
			!merge(t, positions[k], best_position, &best))
			return false;
	return true;
}

/* End of the run of one subject that starts at from. */
static size_t
same_subject(struct thread const *t, uint32_t const *order, size_t from)
{
	size_t to = from + 1;

	while (to < t->roots_count &&
		compare_subjects(t, shown(t, t->roots[order[from]]),
			shown(t, t->roots[order[to]])) == 0)
		to++;
	return to;
}

static uint32_t *
order_by_subject(struct thread *t)
{
	uint32_t *const order = malloc((t->roots_count + 1) * sizeof *order);

	if (order == NULL)
		return NULL;
	for (uint32_t k = 0; k < t->roots_count; k++)
		order[k] = k;
	qsort_r(order, t->roots_count, sizeof *order, by_subject, t);
	return order;
}

static void
squeeze_roots(struct thread *t)
{
	size_t n = 0;

	for (size_t k = 0; k < t->roots_count; k++)
		if (t->roots[k] != THREAD_NONE)
			t->roots[n++] = t->roots[k];
	t->roots_count = n;
}

/* Step 5. Threads with one subject are together in an order by subject. */
static bool
merge_subjects(struct thread *t)
{
	uint32_t *const order = order_by_subject(t);
	bool ok = order != NULL;

	for (size_t from = 0, to; ok && from < t->roots_count; from = to) {
		to = same_subject(t, order, from);
		if (to - from > 1 &&
			shown(t, t->roots[order[from]])->subject_len > 0)
			ok = merge_group(t, order + from, to - from);
	}
	free(order);
	squeeze_roots(t);
	return ok;
}

/* The messages of one subject: the first, and the others as its children. */
static bool
order_subjects(struct thread *t, uint32_t *scratch)
{
	uint32_t *order;

	for (uint32_t i = 0; i < t->count; i++)
		if (!add_root(t, i))
			return false;
	sort_all(t, scratch);
	order = order_by_subject(t);
	if (order == NULL)
		return false;
	for (size_t from = 0, to; from < t->roots_count; from = to) {
		uint32_t const first = t->roots[order[from]];

		to = same_subject(t, order, from);
		for (size_t k = from + 1; k < to; k++)
			adopt(t, first, t->roots[order[k]]);
	}
	for (size_t k = 0; k < t->roots_count; k++)
		if (t->v[t->roots[k]].parent != THREAD_NONE)
			t->roots[k] = THREAD_NONE;
	free(order);
	squeeze_roots(t);
	return true;
}

/* REFS: the newest internal date in each thread, handed up to its root. */
static int
by_arrival(void const *a, void const *b, void *arg)
{
	struct thread const *const t = arg;
	struct thread_node const *const x = node(t, *(uint32_t const *)a);
	struct thread_node const *const y = node(t, *(uint32_t const *)b);

	if (x->arrival != y->arrival)
		return x->arrival < y->arrival ? -1 : 1;
	return compare(a, b, arg);
}

static void
sort_by_arrival(struct thread *t, uint32_t *tops)
{
	int64_t *newest;

	memset(tops, 0xff, t->count * sizeof *tops);
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t top = i, k;

		while (t->v[top].parent != THREAD_NONE &&
			tops[top] == THREAD_NONE)
			top = t->v[top].parent;
		if (tops[top] != THREAD_NONE)
			top = tops[top];
		for (k = i; k != top && tops[k] == THREAD_NONE;
			k = t->v[k].parent)
			tops[k] = top;
		newest = &t->v[top].arrival;
		if (!is_dummy(t, i) && t->v[i].arrival > *newest)
			*newest = t->v[i].arrival;
	}
	if (t->roots_count > 1)
		qsort_r(t->roots, t->roots_count, sizeof *t->roots, by_arrival,
			t);
}

bool
thread_sort(struct thread *t)
{
	/* Step 5 makes a new dummy for two roots at most. */
	uint32_t *const scratch = malloc((t->count * 2 + 1) * sizeof *scratch);
	bool ok = scratch != NULL;

	if (ok && t->algorithm == THREAD_ORDEREDSUBJECT) {
		ok = order_subjects(t, scratch);
		free(scratch);
		return ok;
	}
	ok = ok && link_children(t) && gather_roots(t, (uint32_t)t->count);
	if (ok)
		sort_all(t, scratch);
	if (ok && t->algorithm == THREAD_REFERENCES) {
		ok = merge_subjects(t);
		if (ok)
			sort_all(t, scratch);
	} else if (ok) {
		sort_by_arrival(t, scratch);
	}
	free(scratch);
	return ok;
}
