/*
 * imap.h - a message as IMAP shows it: ENVELOPE and BODYSTRUCTURE
 * (RFC 3501, 7.4.2 and 9; RFC 9051, 7.5.2)
 *
 * Appends the text that stands behind the words ENVELOPE, BODY and
 * BODYSTRUCTURE in a FETCH response, from raw header bytes and a parsed
 * structure. Strings are quoted where that is allowed, else literals
 * ("{5}\r\nab..."); nothing is decoded, 8-bit bytes go out as a literal. All
 * functions return false only when memory is out (errno).
 */
#ifndef MIME_IMAP_H
#define MIME_IMAP_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "mime/structure.h"

/* A quoted string longer than this is sent as a literal. */
#define IMAP_QUOTED_MAX 1024

/* Append an IMAP string: quoted if it can be, else a literal. */
bool imap_string(stralloc *sa, char const *s, size_t len)
	__attribute__((warn_unused_result));

/*
 * Append the envelope of the message whose header is header[0..len):
 * "(date subject from sender reply-to to cc bcc in-reply-to message-id)".
 */
bool imap_envelope(stralloc *sa, char const *header, size_t len)
	__attribute__((warn_unused_result));

/*
 * Append the structure of a parsed message.
 *
 * s         the message that parts were made from
 * extended  true for BODYSTRUCTURE, false for BODY
 */
bool imap_bodystructure(stralloc *sa, char const *s,
	struct structure_part const *parts, size_t count, bool extended)
	__attribute__((warn_unused_result));

#endif
