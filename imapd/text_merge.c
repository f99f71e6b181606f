/* Makes one segment of several; see text_merge.h. */
#include <stdlib.h>
#include <string.h>

#include "imapd/text_merge.h"
#include "imapd/text_writer.h"

#define GONE UINT32_MAX

/* One of the segments, at a word. */
struct source {
	struct text_walk walk;
	char const *word;
	size_t len;
	uint32_t *list; /* of that word */
	size_t count;
	uint32_t *numbers; /* of its messages in the new segment, or GONE */
	bool ended;
};

struct merger {
	struct source *v;
	size_t count;
	uint32_t *uids, *list;
	unsigned char *open;
	uint32_t docs;
	struct text_writer writer;
};

/* 1, 0 damaged. */
static int
next(struct source *s)
{
	int const r =
		text_walk_next(&s->walk, &s->word, &s->len, s->list, &s->count);

	s->ended = r == 0;
	return r >= 0;
}

static bool
is_there(struct mailbox const *m, uint32_t uid)
{
	size_t const i = mailbox_find_uid(m, uid);

	return i < m->view.count && m->view.v[i].uid == uid;
}

static void
number_docs(struct merger *g, struct source *s, struct mailbox const *m)
{
	struct text_segment const *const from = s->walk.g;

	for (uint32_t i = 0; i < from->head.docs; i++) {
		uint32_t const uid = text_segment_uid(from, i);

		s->numbers[i] = GONE;
		if (!is_there(m, uid))
			continue;
		if (text_segment_is_open(from, i))
			g->open[g->docs / 8] |=
				(unsigned char)(1u << g->docs % 8);
		g->uids[g->docs] = uid;
		s->numbers[i] = g->docs++;
	}
}

static bool
allocate(struct merger *g, struct text_segment *const *v)
{
	size_t total = 0;

	g->v = calloc(g->count, sizeof *g->v);
	for (size_t k = 0; k < g->count; k++) {
		size_t const docs = v[k]->head.docs;

		if (g->v == NULL)
			return false;
		g->v[k].walk.g = v[k];
		g->v[k].list = malloc((docs + 1) * sizeof(uint32_t));
		g->v[k].numbers = malloc((docs + 1) * sizeof(uint32_t));
		if (g->v[k].list == NULL || g->v[k].numbers == NULL)
			return false;
		total += docs;
	}
	g->uids = malloc((total + 1) * sizeof *g->uids);
	g->list = malloc((total + 1) * sizeof *g->list);
	g->open = calloc(total / 8 + 1, 1);
	return g->uids != NULL && g->list != NULL && g->open != NULL;
}

static void
release(struct merger *g)
{
	for (size_t k = 0; g->v != NULL && k < g->count; k++) {
		free(g->v[k].list);
		free(g->v[k].numbers);
	}
	free(g->v);
	free(g->uids);
	free(g->list);
	free(g->open);
}

static int
compare(struct source const *a, struct source const *b)
{
	int const r =
		memcmp(a->word, b->word, a->len < b->len ? a->len : b->len);

	if (r != 0)
		return r;
	return a->len < b->len ? -1 : a->len > b->len;
}

static struct source *
least(struct merger const *g)
{
	struct source *best = NULL;

	for (size_t k = 0; k < g->count; k++)
		if (!g->v[k].ended &&
			(best == NULL || compare(&g->v[k], best) < 0))
			best = &g->v[k];
	return best;
}

static size_t
renumber(struct source const *s, uint32_t *list)
{
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++) {
		uint32_t const doc = s->numbers[s->list[i] >> 2];

		if (doc != GONE)
			list[count++] = doc << 2 | (s->list[i] & 3);
	}
	return count;
}

/* The word of `first`, from all that have it. Sources are in the order of
 * their new numbers, so that the list grows. */
static int
merge_word(struct merger *g, struct source *first)
{
	char word[TEXT_TOKEN_MAX];
	size_t const len = first->len;
	size_t count = 0;

	memcpy(word, first->word, len);
	for (size_t k = 0; k < g->count; k++) {
		struct source *const s = &g->v[k];

		if (s->ended || s->len != len ||
			memcmp(s->word, word, len) != 0)
			continue;
		count += renumber(s, g->list + count);
		if (!next(s))
			return 0;
	}
	if (count > 0 &&
		!text_writer_word(&g->writer, word, len, g->list, count))
		return -1;
	return 1;
}

static int
run(struct merger *g)
{
	struct source *first;
	int r = 1;

	for (size_t k = 0; k < g->count && r > 0; k++)
		r = next(&g->v[k]);
	while (r > 0 && (first = least(g)) != NULL)
		r = merge_word(g, first);
	for (size_t k = 0; k < g->count && r > 0; k++)
		r = text_segment_is_whole(g->v[k].walk.g);
	return r;
}

int
text_merge(struct text_segment *const *v, size_t count, struct mailbox const *m,
	int dir_fd, char const *name, uint32_t validity, uint32_t *docs_r,
	uint64_t *size_r)
{
	struct merger g = {.count = count};
	int r = -1;

	if (!allocate(&g, v)) {
		release(&g);
		return -1;
	}
	for (size_t k = 0; k < count; k++)
		number_docs(&g, &g.v[k], m);
	if (text_writer_open(&g.writer, dir_fd, name, validity, g.docs))
		r = run(&g);
	if (r > 0 && !text_writer_finish(&g.writer, g.uids, g.open, size_r))
		r = -1;
	*docs_r = g.docs;
	text_writer_free(&g.writer);
	release(&g);
	return r;
}
