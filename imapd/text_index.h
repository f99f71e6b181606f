/*
 * text_index.h - which messages of a folder hold a string, without reading them
 *
 * A cache beside the messages: a list of segments (text_list.h) and the
 * segments (text_segment.h). What is damaged, missing or of other UIDs is as
 * if it were not there; messages that no segment knows are looked at by the
 * caller, who has the index built when these are many.
 */
#ifndef TEXT_INDEX_H
#define TEXT_INDEX_H

#include "imapd/search_message.h"
#include "imapd/text_list.h"
#include "imapd/text_segment.h"

struct text_index {
	struct text_list list;
	struct text_segment v[TEXT_SEGMENTS_MAX]; /* of list; map NULL: bad */
};

/* What is known of the first `exists` messages; a bit each. */
struct text_answer {
	unsigned char *known; /* the index tells of it */
	unsigned char *hit;   /* it has all pieces */
};

void text_index_open(struct text_index *x, struct mailbox const *m);
void text_index_close(struct text_index *x);

/*
 * Ask for q (count > 0) where TEXT_IN_HEADER or TEXT_IN_BODY say. a's two
 * arrays have exists / 8 + 1 octets; what is in them gets lost. False: memory.
 */
bool text_index_ask(struct text_index *x, struct mailbox const *m,
	size_t exists, struct text_query const *q, unsigned where,
	struct text_answer *a) __attribute__((warn_unused_result));

/*
 * Bring the messages into the index that are not in it, unless another is
 * about it. What could be done is done when it fails: it is only a cache.
 *
 * step  called now and then with what is done of how much; false: stop
 */
void text_index_build(struct text_index *x, struct search_message *m,
	size_t exists, bool (*step)(void *arg, size_t done, size_t total),
	void *arg);

#endif
