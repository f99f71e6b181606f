/* UIDs that are not there any more; see vanished.h. */
#include <stdio.h>
#include <stdlib.h>

#include "imapd/set.h"
#include "imapd/vanished.h"

struct range {
	uint32_t first, last;
};

/* Ranges in order, none of which meets another. */
struct ranges {
	struct range *v;
	size_t count;
};

static int
compare_ranges(void const *a, void const *b)
{
	struct range const *const x = a, *const y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int
compare_uids(void const *a, void const *b)
{
	uint32_t const x = *(uint32_t const *)a, y = *(uint32_t const *)b;

	return x < y ? -1 : x > y;
}

static bool
make_ranges(struct lex_text const *set, uint32_t star, struct ranges *r_r)
{
	size_t pos = 0, n = 0;
	uint32_t first, last;

	/* A range takes two octets of the set at least. */
	r_r->v = calloc(set->len / 2 + 2, sizeof *r_r->v);
	r_r->count = 0;
	if (r_r->v == NULL)
		return false;
	if (set->len == 0)
		r_r->v[n++] = (struct range){1, UINT32_MAX};
	while (set_range(set, &pos, star, &first, &last))
		r_r->v[n++] = (struct range){first, last};
	qsort(r_r->v, n, sizeof *r_r->v, compare_ranges);
	for (size_t i = 0; i < n; i++) {
		struct range *const before =
			r_r->count > 0 ? &r_r->v[r_r->count - 1] : NULL;

		if (before == NULL || r_r->v[i].first > before->last)
			r_r->v[r_r->count++] = r_r->v[i];
		else if (r_r->v[i].last > before->last)
			before->last = r_r->v[i].last;
	}
	return true;
}

bool
vanished_add_range(stralloc *out, size_t start, uint32_t first, uint32_t last)
{
	char text[32];

	(void)snprintf(text, sizeof text, first == last ? "%s%lu" : "%s%lu:%lu",
		out->len > start ? "," : "", (unsigned long)first,
		(unsigned long)last);
	return stralloc_cats(out, text);
}

/* Everything between first and last that is no message. */
static bool
add_missing(stralloc *out, size_t start, struct msgtable const *t,
	uint32_t first, uint32_t last)
{
	size_t i = memory_find_uid(t, first);

	while (first <= last) {
		bool const is_end = i == t->count || t->v[i].uid > last;
		uint32_t const end = is_end ? last : t->v[i].uid - 1;

		if (end >= first && !vanished_add_range(out, start, first, end))
			return false;
		if (is_end)
			return true;
		first = t->v[i++].uid + 1;
	}
	return true;
}

static bool
all_missing(stralloc *out, struct mailbox const *m, struct ranges const *r,
	uint32_t above)
{
	size_t const start = out->len;
	bool ok = true;

	for (size_t i = 0; ok && i < r->count; i++) {
		uint32_t const first =
			r->v[i].first > above ? r->v[i].first : above + 1;
		uint32_t const last = r->v[i].last < m->next_uid
					      ? r->v[i].last
					      : m->next_uid - 1;

		if (first <= last)
			ok = add_missing(out, start, &m->view, first, last);
	}
	return ok;
}

static bool
is_in(struct ranges const *r, size_t *at, uint32_t uid)
{
	while (*at < r->count && r->v[*at].last < uid)
		(*at)++;
	return *at < r->count && r->v[*at].first <= uid;
}

static bool
is_message(struct msgtable const *t, uint32_t uid)
{
	size_t const i = memory_find_uid(t, uid);

	return i < t->count && t->v[i].uid == uid;
}

static bool
remembered(stralloc *out, struct mailbox const *m, struct ranges const *r,
	uint64_t modseq)
{
	size_t const count = memory_vanished_count(&m->memory);
	uint32_t *const uids = calloc(count + 1, sizeof *uids);
	size_t const start = out->len;
	size_t n = 0, at = 0;
	uint32_t first = 0, last = 0;
	bool ok = uids != NULL;

	for (size_t i = 0; ok && i < count; i++)
		if (memory_vanished(&m->memory, i)->modseq > modseq)
			uids[n++] = memory_vanished(&m->memory, i)->uid;
	if (n > 1)
		qsort(uids, n, sizeof *uids, compare_uids);
	for (size_t i = 0; ok && i < n; i++) {
		if (uids[i] == last || !is_in(r, &at, uids[i]) ||
			is_message(&m->view, uids[i]))
			continue;
		if (first != 0 && uids[i] != last + 1) {
			ok = vanished_add_range(out, start, first, last);
			first = 0;
		}
		last = uids[i];
		first = first == 0 ? last : first;
	}
	ok = ok && (first == 0 || vanished_add_range(out, start, first, last));
	free(uids);
	return ok;
}

bool
vanished_earlier(stralloc *out, struct mailbox const *m,
	struct lex_text const *set, uint64_t modseq, uint32_t above)
{
	static char const label[] = "* VANISHED (EARLIER) ";
	size_t const before = out->len;
	struct ranges r;
	bool ok =
		make_ranges(set, m->last_uid, &r) && stralloc_cats(out, label);

	/* A client that knows of later changes than we do has seen a log that
	 * is lost. */
	if (ok && (modseq < m->memory.floor || modseq > m->memory.highest))
		ok = all_missing(out, m, &r, above);
	else if (ok)
		ok = remembered(out, m, &r, modseq);
	free(r.v);
	if (ok && out->len == before + sizeof label - 1) {
		out->len = before;
		return true;
	}
	return ok && stralloc_cats(out, "\r\n");
}

/* The n-th number of a set, one by one. */
struct walk {
	struct lex_text const *set;
	size_t pos;
	uint32_t next, last;
};

static bool
step(struct walk *w, uint32_t *n_r)
{
	if (w->next > w->last || w->next == 0) {
		if (!set_next(w->set, &w->pos, &w->next, &w->last))
			return false;
	}
	*n_r = w->next++;
	return true;
}

uint32_t
vanished_known(struct mailbox const *m, struct lex_text const *numbers,
	struct lex_text const *uids)
{
	struct walk n = {.set = numbers}, u = {.set = uids};
	uint32_t number, uid, known = 0;

	while (step(&n, &number) && number <= m->view.count && step(&u, &uid))
		if (m->view.v[number - 1].uid == uid)
			known = uid;
	return known;
}
