/*
 * search_message.h - one message after another, as searching looks at them
 *
 * Asks the record cache (meta.h) before it opens a message, and opens and reads
 * no more than is asked for. What fails is counted and taken
 * for not there; the caller answers NO at the end then.
 */
#ifndef SEARCH_MESSAGE_H
#define SEARCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imapd/content.h"
#include "imapd/meta.h"
#include "imapd/session.h"

struct search_message {
	struct session *s;
	struct content content;
	size_t i; /* its index in the view */
	bool opened, missing;
	struct meta_entry entry; /* what the cache has, if has_entry */
	bool asked, has_entry;
	int64_t internal_s; /* internal date */
	bool has_internal;
	size_t failed;
};

void search_message_init(struct search_message *m, struct session *s);
void search_message_free(struct search_message *m);

/* Go to message i. */
void search_message_start(struct search_message *m, size_t i);

/* Have it open in m->content. False: it is gone, or failed. */
bool search_message_open(struct search_message *m)
	__attribute__((warn_unused_result));

/* Seconds since 1970. False: gone or failed; then *seconds_r is 0. */
bool search_message_internal(struct search_message *m, int64_t *seconds_r);

/* RFC822.SIZE; as before. */
bool search_message_size(struct search_message *m, uint64_t *size_r);

/* The hash of its octets (meta.h), META_DIGEST_LEN of them; as before. */
bool search_message_digest(struct search_message *m, unsigned char *digest_r)
	__attribute__((warn_unused_result));

/*
 * A header in which to look for fields of that name: of the cache, if it has
 * such fields, else the message's. It stays until the next message or until
 * the size or the hash is asked for. False: gone or failed.
 */
bool search_message_header(struct search_message *m, char const *name,
	size_t len, struct lex_text *header_r)
	__attribute__((warn_unused_result));

/* The raw value of the first field of that name, out of that header; len 0
 * where there is none. */
struct lex_text search_message_field(
	struct search_message *m, char const *name);

#endif
