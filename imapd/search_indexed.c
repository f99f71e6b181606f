/* What the text index says to a search program; see search_indexed.h. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imapd/search_indexed.h"

/* So many messages are read before the index is built. */
#define READ_MAX 200
/* RFC 9585, 4: not more often than every ten seconds or so. */
#define PROGRESS_S 10
#define BUILD_S 30

bool
search_progress(struct search *q, size_t done, size_t total)
{
	struct session *const s = q->message.s;
	int64_t const now_s = (int64_t)time(NULL);

	if (s->stream->error != 0 ||
		(s->stream->stop != NULL && *s->stream->stop))
		return false;
	if (q->told_s == 0)
		q->told_s = now_s;
	if (now_s - q->told_s < PROGRESS_S)
		return true;
	q->told_s = now_s;
	session_puts(s, "* OK [INPROGRESS (\"");
	(void)stream_write(s->stream, s->command.tag.s, s->command.tag.len);
	session_printf(s, "\" %zu %zu)] Searching\r\n", done, total);
	return stream_flush(s->stream);
}

/* Nobody waits for the whole index of a large folder: the next search goes on
 * building. */
static bool
step(void *arg, size_t done, size_t total)
{
	struct search *const q = arg;

	return (int64_t)time(NULL) - q->build_s < BUILD_S &&
	       search_progress(q, done, total);
}

static void
forget(struct search *q)
{
	for (size_t k = 0; k < q->args.keys_count; k++) {
		free(q->answers[k].known);
		free(q->answers[k].hit);
		q->answers[k] = (struct text_answer){0};
		q->asked[k] = false;
	}
}

void
search_indexed_free(struct search *q)
{
	forget(q);
	text_index_close(&q->index);
	q->index_open = false;
}

static void
ask(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];
	size_t const exists = q->message.s->told_exists;
	unsigned const where = key->kind == SEARCH_BODY
				       ? TEXT_IN_BODY
				       : TEXT_IN_HEADER | TEXT_IN_BODY;
	struct text_answer *const a = &q->answers[k];
	struct text_query query;

	q->asked[k] = true;
	text_query_make(&query, q->needles[k], key->text.len);
	if (query.count == 0 || q->index.list.count == 0)
		return;
	q->exact[k] = query.exact;
	a->known = malloc(exists / 8 + 1);
	a->hit = malloc(exists / 8 + 1);
	if (a->known == NULL || a->hit == NULL ||
		!text_index_ask(&q->index, &q->message.s->mailbox, exists,
			&query, where, a)) {
		free(a->known);
		free(a->hit);
		*a = (struct text_answer){0};
	}
}

static bool
has_bit(unsigned char const *bits, size_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

/* Building reads other messages: the one in hand is opened again then. */
static void
build(struct search *q)
{
	size_t const i = q->message.i;

	q->built = true;
	q->build_s = (int64_t)time(NULL);
	text_index_build(
		&q->index, &q->message, q->message.s->told_exists, step, q);
	forget(q);
	search_message_start(&q->message, i);
}

enum search_said
search_indexed(struct search *q, uint16_t k)
{
	struct text_answer const *const a = &q->answers[k];
	size_t const i = q->message.i;

	if (!q->index_open)
		text_index_open(&q->index, &q->message.s->mailbox);
	q->index_open = true;
	if (!q->asked[k])
		ask(q, k);
	if ((a->known == NULL || !has_bit(a->known, i)) &&
		++q->read == READ_MAX && !q->built) {
		build(q);
		ask(q, k);
	}
	if (a->known == NULL || !has_bit(a->known, i))
		return SEARCH_SAID_NOTHING;
	if (!has_bit(a->hit, i))
		return SEARCH_SAID_NO;
	return q->exact[k] ? SEARCH_SAID_YES : SEARCH_SAID_NOTHING;
}
