/*
 * search_indexed.h - what the text index says to a search program
 *
 * TEXT and BODY are asked of the index (text_index.h). Messages that it does
 * not know are read; when that have been many, it is built first.
 */
#ifndef SEARCH_INDEXED_H
#define SEARCH_INDEXED_H

#include "imapd/search_run.h"

enum search_said {
	SEARCH_SAID_NOTHING, /* the message has to be read */
	SEARCH_SAID_NO,
	SEARCH_SAID_YES
};

/* What the index says of key k, a SEARCH_TEXT or SEARCH_BODY, for the message
 * that q stands at. */
enum search_said search_indexed(struct search *q, uint16_t k);

/* Free what it needed. */
void search_indexed_free(struct search *q);

/*
 * Tell a client that waits long how far the search is (RFC 9585). False: stop,
 * the connection is gone or the program is to end.
 */
bool search_progress(struct search *q, size_t done, size_t total);

#endif
