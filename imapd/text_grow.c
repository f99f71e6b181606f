/* Building the text index: text_index.h's text_index_build. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapd/search_text.h"
#include "imapd/text_build.h"
#include "imapd/text_index.h"
#include "imapd/text_merge.h"

/* Segments that would be larger together are not merged: each is mapped
 * whole. */
#define SEGMENT_MAX ((uint64_t)384 * 1024 * 1024)
/* Messages between two calls of step. */
#define STEP 64

struct grower {
	struct text_index *x;
	struct search_message *message;
	struct mailbox const *m;
	struct text_build build;
};

static bool
hear(void *arg, char const *s, size_t len, bool in_body, bool unit_ends)
{
	text_build_add(arg, in_body ? TEXT_IN_BODY : TEXT_IN_HEADER, s, len,
		unit_ends);
	return true;
}

/* The list without what is bad. */
static void
drop_bad(struct text_index *x)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < x->list.count; k++) {
		if (x->v[k].map == NULL)
			continue;
		x->list.numbers[n] = x->list.numbers[k];
		x->v[n++] = x->v[k];
	}
	x->list.count = n;
}

/* Take the file of number x->list.next into the list. */
static bool
take_in(struct grower *g)
{
	struct text_index *const x = g->x;
	char name[TEXT_NAME_MAX];

	text_list_name(x->list.next, name);
	if (x->list.count == TEXT_SEGMENTS_MAX ||
		!text_segment_open(&x->v[x->list.count], g->m->folder_fd, name,
			g->m->validity))
		return false;
	x->list.numbers[x->list.count++] = x->list.next++;
	return text_list_write(g->m->folder_fd, &x->list);
}

static bool
write_segment(struct grower *g)
{
	char name[TEXT_NAME_MAX];
	uint64_t size;
	bool ok;

	if (g->build.docs == 0)
		return true;
	text_list_name(g->x->list.next, name);
	ok = text_build_write(
		     &g->build, g->m->folder_fd, name, g->m->validity, &size) &&
	     take_in(g);
	text_build_reset(&g->build);
	return ok;
}

/* From segment k on all become one. */
static bool
merge_from(struct grower *g, uint32_t k)
{
	struct text_index *const x = g->x;
	struct text_segment *from[TEXT_SEGMENTS_MAX];
	uint32_t const count = x->list.count - k;
	char name[TEXT_NAME_MAX];
	uint64_t size;
	uint32_t docs;

	for (uint32_t i = 0; i < count; i++)
		from[i] = &x->v[k + i];
	text_list_name(x->list.next, name);
	if (text_merge(from, count, g->m, g->m->folder_fd, name, g->m->validity,
		    &docs, &size) <= 0)
		return false;
	for (uint32_t i = 0; i < count; i++)
		text_segment_close(from[i]);
	x->list.count = k;
	return take_in(g);
}

/* Segments are merged when the later ones are as much as an earlier one, so
 * that there are few and none is written often. */
static void
merge(struct grower *g)
{
	struct text_index const *const x = g->x;
	uint64_t docs = 0, size = 0;
	uint32_t from = x->list.count;

	for (uint32_t k = x->list.count; k > 0; k--) {
		struct text_segment const *const v = &x->v[k - 1];

		size += v->map_len;
		if (size > SEGMENT_MAX)
			break;
		if (docs > 0 && v->head.docs < 2 * docs)
			from = k - 1;
		docs += v->head.docs;
	}
	if (from < x->list.count)
		(void)!merge_from(g, from);
}

/* Bits of the messages that a segment has. */
static void
covered(struct grower *g, size_t exists, unsigned char *bits)
{
	for (uint32_t k = 0; k < g->x->list.count; k++)
		for (uint32_t d = 0; d < g->x->v[k].head.docs; d++) {
			uint32_t const uid = text_segment_uid(&g->x->v[k], d);
			size_t const i = mailbox_find_uid(g->m, uid);

			if (i < exists && g->m->view.v[i].uid == uid)
				bits[i / 8] |= (unsigned char)(1u << i % 8);
		}
}

/* 1 it is in, 0 it did not fit, -1 it could not be read. */
static int
read_message(struct grower *g, size_t i)
{
	uint32_t const uid = g->m->view.v[i].uid;

	search_message_start(g->message, i);
	if (g->m->view.v[i].state & MESSAGE_GONE ||
		!search_message_open(g->message))
		return -1;
	text_build_start(&g->build, uid);
	if (search_text_walk(&g->message->content, SEARCH_TEXT_ALL, hear,
		    &g->build) < 0) {
		/* Nothing of a message that is half read. */
		g->build.overflow = true;
		(void)!text_build_end(&g->build);
		return -1;
	}
	return text_build_end(&g->build);
}

static bool
add_message(struct grower *g, size_t i)
{
	int r = read_message(g, i);

	if (r == 0 && g->build.docs > 0) {
		if (!write_segment(g))
			return false;
		r = read_message(g, i);
	}
	if (r == 0)
		text_build_add_open(&g->build, g->m->view.v[i].uid);
	return !text_build_is_full(&g->build) || write_segment(g);
}

static void
add_all(struct grower *g, size_t exists,
	bool (*step)(void *arg, size_t done, size_t total), void *arg)
{
	unsigned char *const have = calloc(exists / 8 + 1, 1);
	size_t total = 0, done = 0;

	if (have == NULL)
		return;
	covered(g, exists, have);
	for (size_t i = 0; i < exists; i++)
		total += !(have[i / 8] >> (i % 8) & 1);
	if (total > 0 && text_build_init(&g->build)) {
		bool ok = true;

		for (size_t i = 0; ok && i < exists; i++) {
			if (have[i / 8] >> (i % 8) & 1)
				continue;
			ok = add_message(g, i) &&
			     (++done % STEP != 0 || step(arg, done, total));
		}
		/* What was read is kept, whatever stopped it. */
		if (write_segment(g))
			merge(g);
	}
	text_build_free(&g->build);
	free(have);
}

void
text_index_build(struct text_index *x, struct search_message *m, size_t exists,
	bool (*step)(void *arg, size_t done, size_t total), void *arg)
{
	struct grower g = {.x = x, .message = m, .m = &m->s->mailbox};
	size_t const failed = m->failed;
	int lock;

	if (!text_list_lock(g.m->folder_fd, &lock))
		return;
	/* Another may have built it meanwhile. */
	text_index_close(x);
	text_index_open(x, g.m);
	if (x->list.next == 0)
		x->list.next = 1;
	drop_bad(x);
	add_all(&g, exists, step, arg);
	text_list_clean(g.m->folder_fd, &x->list);
	close(lock);
	/* Who searches sees for himself what cannot be read. */
	m->failed = failed;
}
