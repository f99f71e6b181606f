/* The answers to SEARCH and SORT; see search_reply.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <skalibs/uint32.h>

#include "imapd/search_reply.h"

void
search_found_free(struct search_found *found)
{
	free(found->v);
	*found = (struct search_found){0};
}

static void
raise(struct session const *s, struct search_found *found, size_t k)
{
	uint64_t const modseq = s->mailbox.view.v[found->v[k]].modseq;

	if (modseq > found->modseq)
		found->modseq = modseq;
}

void
search_found_modseq(struct session const *s, struct search_return const *r,
	struct search_found *found)
{
	bool const few = r->extended && !r->all && !r->count &&
			 (r->min || r->max || r->partial);
	size_t from = 0, to = found->count;

	if (found->count == 0)
		return;
	if (few && r->partial)
		search_return_window(r, found->count, &from, &to);
	else if (few)
		to = 0;
	for (size_t k = from; k < to; k++)
		raise(s, found, k);
	if (r->min)
		raise(s, found, 0);
	if (r->max)
		raise(s, found, found->count - 1);
}

uint32_t
search_number(struct session const *s, size_t i)
{
	return s->command.uid ? s->mailbox.view.v[i].uid : (uint32_t)i + 1;
}

/* A search may have a hundred thousand of them. */
static bool
add_number(stralloc *out, char before, uint32_t n)
{
	char text[1 + UINT32_FMT];

	text[0] = before;
	return stralloc_catb(out, text, 1 + uint32_fmt(text + 1, n));
}

bool
search_reply_set(struct session const *s, uint32_t const *found, size_t count,
	stralloc *out)
{
	char before = ' ';

	for (size_t k = 0; k < count; k++) {
		uint32_t const first = search_number(s, found[k]);
		uint32_t last = first;

		while (k + 1 < count &&
			search_number(s, found[k + 1]) == last + 1) {
			last++;
			k++;
		}
		if (!add_number(out, before, first) ||
			(last != first && !add_number(out, ':', last)))
			return false;
		before = ',';
	}
	return true;
}

/* "* SEARCH 2 84 882" */
static bool
plain(struct session *s, char const *word, struct search_found const *found)
{
	char text[48];

	if (!stralloc_cats(&s->out, "* ") || !stralloc_cats(&s->out, word))
		return false;
	for (size_t k = 0; k < found->count; k++)
		if (!add_number(&s->out, ' ', search_number(s, found->v[k])))
			return false;
	(void)snprintf(text, sizeof text, " (MODSEQ %llu)",
		(unsigned long long)found->modseq);
	return found->modseq == 0 || found->count == 0 ||
	       stralloc_cats(&s->out, text);
}

static bool
partial(struct session *s, struct search_return const *r,
	struct search_found const *found)
{
	char const *const sign = r->from_end ? "-" : "";
	char text[64];
	size_t from, to;

	search_return_window(r, found->count, &from, &to);
	(void)snprintf(text, sizeof text, " PARTIAL (%s%lu:%s%lu", sign,
		(unsigned long)r->first, sign, (unsigned long)r->last);
	if (!stralloc_cats(&s->out, text))
		return false;
	if (from == to)
		return stralloc_cats(&s->out, " NIL)");
	return search_reply_set(s, found->v + from, to - from, &s->out) &&
	       stralloc_catb(&s->out, ")", 1);
}

static bool
extended(struct session *s, struct search_return const *r,
	struct search_found const *found)
{
	stralloc *const out = &s->out;
	size_t const n = found->count;
	char text[48];

	if (!stralloc_cats(out, "* ESEARCH (TAG \"") ||
		!stralloc_catb(out, s->command.tag.s, s->command.tag.len) ||
		!stralloc_cats(out, "\")") ||
		(s->command.uid && !stralloc_cats(out, " UID")))
		return false;
	if (r->min && n > 0 &&
		(!stralloc_cats(out, " MIN") ||
			!add_number(out, ' ', search_number(s, found->v[0]))))
		return false;
	if (r->max && n > 0 &&
		(!stralloc_cats(out, " MAX") ||
			!add_number(
				out, ' ', search_number(s, found->v[n - 1]))))
		return false;
	if (r->count && (!stralloc_cats(out, " COUNT") ||
				!add_number(out, ' ', (uint32_t)n)))
		return false;
	if (r->partial && !partial(s, r, found))
		return false;
	if (r->all && n > 0 &&
		(!stralloc_cats(out, " ALL") ||
			!search_reply_set(s, found->v, n, out)))
		return false;
	(void)snprintf(text, sizeof text, " MODSEQ %llu",
		(unsigned long long)found->modseq);
	return found->modseq == 0 || n == 0 || stralloc_cats(out, text);
}

static int
by_index(void const *a, void const *b)
{
	uint32_t const x = *(uint32_t const *)a, y = *(uint32_t const *)b;

	return x < y ? -1 : x > y;
}

/* Save found[from..to), and the first and the last if they are asked for. */
static bool
save_part(struct session *s, struct search_return const *r,
	struct search_found const *found, size_t from, size_t to)
{
	size_t const n = found->count;
	uint32_t *const v = malloc((to - from + 2) * sizeof *v);
	size_t count = 0, unique = 0;
	bool ok;

	if (v == NULL)
		return false;
	for (size_t k = from; k < to; k++)
		v[count++] = found->v[k];
	if (r->min && n > 0)
		v[count++] = found->v[0];
	if (r->max && n > 0)
		v[count++] = found->v[n - 1];
	qsort(v, count, sizeof *v, by_index);
	for (size_t k = 0; k < count; k++)
		if (unique == 0 || v[unique - 1] != v[k])
			v[unique++] = v[k];
	ok = saved_set(&s->saved, &s->mailbox, v, unique);
	free(v);
	return ok;
}

static bool
save(struct session *s, struct search_return const *r,
	struct search_found const *found, bool sorted)
{
	size_t from = 0, to = 0;

	if (!r->all && !r->count && (r->min || r->max || r->partial)) {
		if (r->partial)
			search_return_window(r, found->count, &from, &to);
		return save_part(s, r, found, from, to);
	}
	if (sorted)
		return save_part(s, r, found, 0, found->count);
	return saved_set(&s->saved, &s->mailbox, found->v, found->count);
}

bool
search_reply(struct session *s, struct search_return const *r, char const *word,
	struct search_found const *found, bool sorted)
{
	s->out.len = 0;
	if (r->save && !save(s, r, found, sorted))
		return false;
	if (!r->extended) {
		if (!plain(s, word, found))
			return false;
	} else if (r->min || r->max || r->all || r->count || r->partial ||
		   !(r->save || r->update || r->context)) {
		/* SAVE alone asks for no answer (RFC 5182, 1). */
		if (!extended(s, r, found))
			return false;
	} else {
		return true;
	}
	if (!stralloc_catb(&s->out, "\r\n", 2))
		return false;
	session_send(s);
	return true;
}
