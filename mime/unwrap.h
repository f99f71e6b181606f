/*
 * unwrap.h - messages in a message that are in base64 or the like
 *
 * RFC 2046, 5.2.1 forbids to encode a message/rfc822, yet some do; RFC 6532,
 * 3.7 allows it for message/global. structure.h takes octets as they stand, as
 * an IMAP server must; people want to see what is in it.
 */
#ifndef MIME_UNWRAP_H
#define MIME_UNWRAP_H

#include <stdbool.h>

#include "mime/message.h"

/* Messages that are taken out of their encoding. */
#define UNWRAP_MAX 100

/*
 * Decode the encoded messages in m behind its text, and put their parts in the
 * place of those that were found in the encoded octets. Their offsets thus lie
 * outside of the part that they are in. What goes beyond UNWRAP_MAX, the limits
 * of structure.h, or twice the message's length is left a leaf; so is all in a
 * message that is mapped.
 *
 * False: memory is out (errno); m is to be thrown away then.
 */
bool message_unwrap(struct message *m) __attribute__((warn_unused_result));

#endif
