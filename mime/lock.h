/*
 * lock.h - a message signed or encrypted (RFC 3156, RFC 8551)
 *
 * Takes a message with LF line ends, as compose makes it, and gives such a one.
 * Its Subject and other fields go in a second time and are protected
 * (draft-autocrypt-lamps-protected-headers); of an encrypted message the
 * Subject outside says nothing then.
 */
#ifndef MIME_LOCK_H
#define MIME_LOCK_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "mime/engine.h"

struct lock {
	enum engine_protocol protocol;
	char const *signer; /* key to sign with; NULL: do not sign */
	/* Keys to encrypt to, NULL-ended; NULL, or none and no file: do not
	 * encrypt. */
	char const *const *names;
	char const *file;      /* of one more key, or NULL */
	bool clear_subject;    /* leave it as it is */
	char const *autocrypt; /* address whose key goes along, or NULL */
	char const *boundary;  /* nothing that any content has in it */
};

/* Append the message to out. False: why, "" when memory is out. A message that
 * is encrypted already is not encrypted again, but passed on as it is. */
bool lock_message(struct lock const *k, char const *s, size_t len,
	stralloc *out, char why[256]) __attribute__((warn_unused_result));

#endif
