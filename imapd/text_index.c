/* Asking the text index; see text_index.h. */
#include <stdlib.h>
#include <string.h>

#include "imapd/text_index.h"

/* While segments are merged, the list may be older than the files. */
#define OPEN_TRIES 3

/* Are all segments of the list there? */
static bool
open_all(struct text_index *x, struct mailbox const *m)
{
	char name[TEXT_NAME_MAX];
	bool all = true;

	for (uint32_t k = 0; k < x->list.count; k++) {
		text_list_name(x->list.numbers[k], name);
		all = text_segment_open(
			      &x->v[k], m->folder_fd, name, m->validity) &&
		      all;
	}
	return all;
}

void
text_index_open(struct text_index *x, struct mailbox const *m)
{
	for (int n = 0; n < OPEN_TRIES; n++) {
		*x = (struct text_index){0};
		if (!text_list_read(m->folder_fd, &x->list) || open_all(x, m))
			return;
		if (n < OPEN_TRIES - 1)
			text_index_close(x);
	}
}

void
text_index_close(struct text_index *x)
{
	for (uint32_t k = 0; k < x->list.count; k++)
		text_segment_close(&x->v[k]);
	x->list.count = 0;
}

/* Messages of the segment that have all pieces. False: damaged or memory. */
static bool
find_pieces(struct text_segment *g, struct text_query const *q, unsigned where,
	unsigned char *hits, unsigned char *scratch)
{
	size_t const len = g->head.docs / 8 + 1;

	for (size_t k = 0; k < q->count; k++) {
		unsigned char *const to = k == 0 ? hits : scratch;

		memset(to, 0, len);
		if (!text_segment_find(g, &q->v[k], where, to))
			return false;
		for (size_t i = 0; k > 0 && i < len; i++)
			hits[i] &= scratch[i];
	}
	return true;
}

/* Hand the segment's answer to the messages by their UIDs, which grow in a
 * segment but where it was put together of several. */
static void
spread(struct text_segment const *g, struct mailbox const *m, size_t exists,
	unsigned char const *hits, struct text_answer *a)
{
	size_t i = 0;

	for (uint32_t doc = 0; doc < g->head.docs; doc++) {
		uint32_t const uid = text_segment_uid(g, doc);
		unsigned char bit;

		if (i >= exists || m->view.v[i].uid != uid)
			i = mailbox_find_uid(m, uid);
		if (i >= exists || m->view.v[i].uid != uid)
			continue;
		bit = (unsigned char)(1u << i % 8);
		if (!text_segment_is_open(g, doc)) {
			a->known[i / 8] |= bit;
			if (hits[doc / 8] >> (doc % 8) & 1)
				a->hit[i / 8] |= bit;
		}
		i++;
	}
}

bool
text_index_ask(struct text_index *x, struct mailbox const *m, size_t exists,
	struct text_query const *q, unsigned where, struct text_answer *a)
{
	memset(a->known, 0, exists / 8 + 1);
	memset(a->hit, 0, exists / 8 + 1);
	for (uint32_t k = 0; k < x->list.count; k++) {
		struct text_segment *const g = &x->v[k];
		size_t const len = g->head.docs / 8 + 1;
		unsigned char *hits;
		bool whole;

		if (g->map == NULL)
			continue;
		hits = malloc(2 * len);
		if (hits == NULL)
			return false;
		whole = true;
		if (find_pieces(g, q, where, hits, hits + len)) {
			spread(g, m, exists, hits, a);
			whole = text_segment_is_whole(g);
		} else {
			text_segment_close(g);
		}
		free(hits);
		/* Nobody can tell any more what of it was true. */
		if (!whole) {
			text_segment_close(g);
			return text_index_ask(x, m, exists, q, where, a);
		}
	}
	return true;
}
