/* The text files beside the messages, line by line; see fsck.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/boxname.h"
#include "common/keywordfile.h"
#include "common/uidlist.h"
#include "common/admin/fsck.h"

#define SUBSCRIPTIONS_2 "V\t2\n\n"

struct line {
	char const *s;
	size_t len;
};

/* The next line at *pos, without its end. */
static bool
next(char const *s, size_t len, size_t *pos, struct line *line_r)
{
	char const *lf;

	if (*pos >= len)
		return false;
	lf = memchr(s + *pos, '\n', len - *pos);
	line_r->s = s + *pos;
	line_r->len = lf != NULL ? (size_t)(lf - line_r->s) : len - *pos;
	*pos += line_r->len + 1;
	return true;
}

static bool
keep(stralloc *out, struct line const *line)
{
	return stralloc_catb(out, line->s, line->len) &&
	       stralloc_append(out, '\n');
}

struct entry {
	struct uidlist_line line;
	size_t order;
};

static int
compare(void const *a, void const *b)
{
	struct entry const *x = a, *y = b;
	size_t const n = x->line.name_len < y->line.name_len ? x->line.name_len
							     : y->line.name_len;
	int const r = memcmp(x->line.name, y->line.name, n);

	if (r != 0)
		return r;
	if (x->line.name_len != y->line.name_len)
		return x->line.name_len < y->line.name_len ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Marks, in order of the lines, those whose name comes again: a file that has
 * come back has a second line, which counts. */
static bool
find_twice(struct entry *list, size_t count, bool *again)
{
	struct entry *sorted = malloc((count + 1) * sizeof *sorted);

	if (sorted == NULL)
		return false;
	if (count > 0)
		memcpy(sorted, list, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, compare);
	for (size_t i = 0; i + 1 < count; i++)
		again[sorted[i].order] =
			sorted[i].line.name_len ==
				sorted[i + 1].line.name_len &&
			memcmp(sorted[i].line.name, sorted[i + 1].line.name,
				sorted[i].line.name_len) == 0;
	free(sorted);
	return true;
}

/* What we know of first, as it should be; other fields stay. */
static bool
put_header(stralloc *out, struct line const *line,
	struct uidlist_header const *h, char const *new_guid)
{
	char text[64];
	size_t pos = 2, n;
	bool ok;

	(void)snprintf(text, sizeof text,
		h->version == 1 ? "1 %lu %lu" : "3 V%lu N%lu",
		(unsigned long)h->validity, (unsigned long)h->next);
	ok = stralloc_cats(out, text);
	if (ok && h->version == 3 && (new_guid != NULL || h->guid_len > 0))
		ok = stralloc_cats(out, " G") &&
		     (new_guid != NULL ? stralloc_cats(out, new_guid)
				       : stralloc_catb(
						 out, h->guid, h->guid_len));
	for (; ok && h->version == 3 && pos < line->len; pos += n + 1) {
		char const *const s = line->s + pos;
		char const *const blank = memchr(s, ' ', line->len - pos);

		n = blank != NULL ? (size_t)(blank - s) : line->len - pos;
		if (n > 0 && memchr("VNG", *s, 3) == NULL)
			ok = stralloc_append(out, ' ') &&
			     stralloc_catb(out, s, n);
	}
	return ok && stralloc_append(out, '\n');
}

bool
fsck_uidlist(char const *s, size_t len, char const *new_guid,
	struct fsck_uidlist *r, stralloc *out)
{
	struct uidlist_header h;
	struct line first, line;
	struct entry *list = NULL;
	struct line *lines = NULL;
	bool *again = NULL;
	size_t pos = 0, start, count = 0, room = 1;
	uint32_t last = 0;
	bool ok;

	*r = (struct fsck_uidlist){0};
	if (!next(s, len, &pos, &first) ||
		!uidlist_parse_header(first.s, first.len, &h)) {
		r->no_header = true;
		return true;
	}
	if (h.guid_len < sizeof r->guid && h.guid_len > 0)
		memcpy(r->guid, h.guid, h.guid_len);
	r->unended = s[len - 1] != '\n';
	start = pos;
	while (next(s, len, &pos, &line))
		room++;
	list = calloc(room, sizeof *list);
	lines = calloc(room, sizeof *lines);
	again = calloc(room, sizeof *again);
	ok = list != NULL && lines != NULL && again != NULL;
	pos = start;
	/* What imapd believes: a line that ends, of the form, above the one
	 * before. */
	while (ok && next(s, len, &pos, &line)) {
		struct entry *e = &list[count];

		if (!uidlist_parse_line(
			    line.s, line.len, h.version, &e->line)) {
			r->unreadable++;
		} else if (e->line.uid <= last) {
			r->disorder++;
		} else if (pos <= len) {
			last = e->line.uid;
			e->order = count;
			lines[count++] = line;
		}
	}
	ok = ok && find_twice(list, count, again);
	/* Lines are appended without the header being changed. */
	if (last >= h.next && last < UINT32_MAX)
		h.next = last + 1;
	ok = ok && put_header(out, &first, &h, new_guid);
	for (size_t i = 0; ok && i < count; i++)
		ok = again[i] || keep(out, &lines[i]);
	free(list);
	free(lines);
	free(again);
	return ok;
}

bool
fsck_keywords(char const *s, size_t len, size_t *bad_r, stralloc *out)
{
	struct keywords all = {0}, one;
	struct line line;
	size_t pos = 0;
	bool ok = true;

	*bad_r = 0;
	while (ok && next(s, len, &pos, &line)) {
		unsigned n = 0;

		keywords_parse(&one, line.s, line.len);
		while (n < FLAG_KEYWORDS_MAX && one.names[n][0] == '\0')
			n++;
		/* A number twice: the first stays, for files have its letter.
		 */
		if (n == FLAG_KEYWORDS_MAX || all.names[n][0] != '\0') {
			(*bad_r)++;
			continue;
		}
		memcpy(all.names[n], one.names[n], sizeof all.names[n]);
		ok = keep(out, &line);
	}
	return ok;
}

bool
fsck_subscriptions(char const *s, size_t len, size_t *bad_r, stralloc *out)
{
	size_t const head = strlen(SUBSCRIPTIONS_2);
	bool const is_2 = len >= head && memcmp(s, SUBSCRIPTIONS_2, head) == 0;
	size_t pos = is_2 ? head : 0;
	struct line line;
	bool ok = !is_2 || stralloc_cats(out, SUBSCRIPTIONS_2);

	*bad_r = 0;
	while (ok && next(s, len, &pos, &line)) {
		char name[BOXNAME_MAX + 1], plain[BOXNAME_MAX];
		bool good = line.len <= sizeof plain;

		for (size_t i = 0; good && i < line.len; i++)
			plain[i] = is_2 && line.s[i] == '\t' ? BOXNAME_SEPARATOR
							     : line.s[i];
		good = good && boxname_check(plain, line.len, name);
		*bad_r += !good;
		ok = !good || keep(out, &line);
	}
	return ok;
}
