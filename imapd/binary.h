/*
 * binary.h - parts of a message without their transfer encoding (RFC 3516)
 */
#ifndef BINARY_H
#define BINARY_H

#include "imapd/content.h"
#include "imapd/fetch_args.h"
#include "imapd/session.h"

/*
 * Send `BINARY[1]<0> {12}` and the octets of the message that is open in c,
 * as a literal8 if there is a NUL among them. What stands in s->out goes first.
 *
 * False: errno; ENOTSUP: the encoding is unknown. Nothing was sent then, but if
 * s->stream->error is set.
 */
bool binary_send(struct session *s, struct content *c,
	struct fetch_item const *item) __attribute__((warn_unused_result));

/* Append "BINARY.SIZE[1] 12". As binary_send. */
bool binary_size(stralloc *out, struct content *c,
	struct fetch_item const *item) __attribute__((warn_unused_result));

#endif
