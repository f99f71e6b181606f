/*
 * envelope.h - the text of an IMAP envelope (RFC 3501, 7.4.2)
 *
 * What imap.h's writers share: a message and all the messages in it draw on
 * one allowance of addresses, so that a few octets of hostile header ("a,b,c")
 * cannot blow up to many times their size.
 */
#ifndef MIME_ENVELOPE_H
#define MIME_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/* Addresses (and group marks) written for one message; the rest is left out. */
#define ENVELOPE_ADDRESSES_MAX 10000

/*
 * Append the envelope of header[0..len) to sa.
 *
 * buf             scratch space of the caller's, what is in it gets lost
 * addresses_left  the allowance; counted down
 *
 * Returns false only when memory is out (errno).
 */
bool envelope_write(stralloc *sa, stralloc *buf, char const *header, size_t len,
	size_t *addresses_left) __attribute__((warn_unused_result));

#endif
