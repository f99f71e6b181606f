/* Sorted results kept up to date; see context_order.h. */
#include <stdlib.h>
#include <string.h>
#include <skalibs/uint64.h>

#include "imapd/context_order.h"

/* Where one of so many comes, sorting all costs no more than halving. */
#define HALVING_COST 20

bool
context_order_init(struct context_order *o, struct session const *s,
	struct sort_args const *criteria, struct search_found const *found)
{
	o->uids = malloc((found->count + 1) * sizeof *o->uids);
	if (o->uids == NULL)
		return false;
	for (size_t k = 0; k < found->count; k++)
		o->uids[k] = s->mailbox.view.v[found->v[k]].uid;
	o->count = found->count;
	o->criteria = *criteria;
	return true;
}

void
context_order_free(struct context_order *o)
{
	free(o->uids);
	*o = (struct context_order)CONTEXT_ORDER_ZERO;
}

static int
by_index(void const *a, void const *b)
{
	uint32_t const x = *(uint32_t const *)a, y = *(uint32_t const *)b;

	return x < y ? -1 : x > y;
}

static bool
is_one_of(uint32_t i, uint32_t const *v, size_t count)
{
	return bsearch(&i, v, count, sizeof *v, by_index) != NULL;
}

/*
 * Places and sets of those in the order all[0..total) that are among
 * v[0..count). A run of neighbours is one set. Those before it are there
 * already when it is put in, and gone already when it is taken out.
 */
static bool
pairs(struct session const *s, uint32_t const *all, size_t total,
	uint32_t const *v, size_t count, bool going, stralloc *out)
{
	size_t gone = 0;

	for (size_t k = 0; k < total; k++) {
		char text[1 + UINT64_FMT];
		size_t const first = k;

		while (k < total && is_one_of(all[k], v, count))
			k++;
		if (k == first)
			continue;
		text[0] = ' ';
		if (!stralloc_catb(out, text,
			    1 + uint64_fmt(text + 1, first + 1 - gone)) ||
			!search_reply_set(s, all + first, k - first, out))
			return false;
		if (going)
			gone += k - first;
	}
	return true;
}

/* The order as indices. */
static uint32_t *
indices(struct context_order const *o, struct session const *s, size_t more)
{
	uint32_t *const all = malloc((o->count + more + 1) * sizeof *all);

	for (size_t k = 0; all != NULL && k < o->count; k++)
		all[k] = (uint32_t)mailbox_find_uid(&s->mailbox, o->uids[k]);
	return all;
}

/* fresh[0..count), which are sorted, into all[0..total). */
static bool
put_between(struct context_order const *o, struct search_message *m,
	uint32_t *all, size_t total, uint32_t const *fresh, size_t count)
{
	for (size_t k = count; k > 0; k--) {
		size_t place;

		if (!sort_place(
			    m, &o->criteria, all, total, fresh[k - 1], &place))
			return false;
		memmove(all + place + k, all + place,
			(total - place) * sizeof *all);
		all[place + k - 1] = fresh[k - 1];
		total = place;
	}
	return true;
}

static bool
merge(struct context_order const *o, struct search_message *m, uint32_t *all,
	uint32_t const *v, size_t count)
{
	uint32_t *fresh;
	bool ok;

	if (count > o->count / HALVING_COST) {
		memcpy(all + o->count, v, count * sizeof *v);
		qsort(all, o->count + count, sizeof *all, by_index);
		return sort_messages(m, &o->criteria, all, o->count + count);
	}
	fresh = malloc((count + 1) * sizeof *fresh);
	if (fresh == NULL)
		return false;
	memcpy(fresh, v, count * sizeof *v);
	ok = sort_messages(m, &o->criteria, fresh, count) &&
	     put_between(o, m, all, o->count, fresh, count);
	free(fresh);
	return ok;
}

bool
context_order_add(struct context_order *o, struct search_message *m,
	uint32_t const *v, size_t count, stralloc *out)
{
	struct session const *const s = m->s;
	uint32_t *const all = indices(o, s, count);
	size_t const total = o->count + count;
	bool ok;

	ok = all != NULL && merge(o, m, all, v, count) &&
	     pairs(s, all, total, v, count, false, out);
	if (ok) {
		for (size_t k = 0; k < total; k++)
			all[k] = s->mailbox.view.v[all[k]].uid;
		free(o->uids);
		o->uids = all;
		o->count = total;
	} else {
		free(all);
	}
	return ok;
}

bool
context_order_remove(struct context_order *o, struct session const *s,
	uint32_t const *v, size_t count, stralloc *out)
{
	uint32_t *const all = indices(o, s, 0);
	size_t left = 0;
	bool const ok =
		all != NULL && pairs(s, all, o->count, v, count, true, out);

	for (size_t k = 0; ok && k < o->count; k++)
		if (!is_one_of(all[k], v, count))
			o->uids[left++] = o->uids[k];
	if (ok)
		o->count = left;
	free(all);
	return ok;
}
