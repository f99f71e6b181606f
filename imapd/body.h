/*
 * body.h - the text that FETCH BODY[...] and its relatives answer with
 */
#ifndef BODY_H
#define BODY_H

#include "imapd/content.h"
#include "imapd/fetch_args.h"
#include "imapd/session.h"

/*
 * Send `BODY[1.TEXT]<0> {12}` and the text, of the message that is open in c.
 * What stands in s->out goes out first.
 *
 * False: errno. Where s->stream->error is set, octets that were announced
 * could not be sent and the connection is of no use any more; else nothing of
 * the item was sent.
 */
bool body_send(struct session *s, struct content *c,
	struct fetch_args const *args, struct fetch_item const *item)
	__attribute__((warn_unused_result));

/*
 * The same for header fields of the message, of which header[0..len) has all
 * that are asked for.
 */
bool body_send_fields(struct session *s, char const *header, size_t len,
	struct fetch_args const *args, struct fetch_item const *item)
	__attribute__((warn_unused_result));

/*
 * For CATENATE (RFC 4469): how many octets the first item of args gives, in
 * CRLF form. False if there is no such section (or errno: it cannot be read).
 */
bool body_find(struct content *c, struct fetch_args const *args,
	uint64_t *size_r) __attribute__((warn_unused_result));

/* Hand them to put, with the line ends that they have in the file. errno. */
bool body_copy(struct content *c, struct fetch_args const *args,
	bool (*put)(void *data, char const *s, size_t len), void *data)
	__attribute__((warn_unused_result));

/* The message's size in CRLF form, by reading it. errno. */
bool body_size(struct content *c, uint64_t *size_r)
	__attribute__((warn_unused_result));

#endif
