/*
 * sevenbit.h - a part made fit to be signed (RFC 3156, 3 and 5)
 *
 * Nobody on the way may have a reason to change it: no octet beyond ASCII, no
 * blank at a line's end, no "From " at a line's start. Texts that have such
 * become quoted-printable, other octets base64. What stands in a message in the
 * message stays as it is.
 */
#ifndef MIME_SEVENBIT_H
#define MIME_SEVENBIT_H

#include <stdbool.h>

#include "mime/message.h"

/* Append the header of part i, without its empty line, and its body. The
 * message has LF line ends. False only when memory is out. */
bool sevenbit_part(struct message const *m, uint32_t i, stralloc *header,
	stralloc *body) __attribute__((warn_unused_result));

#endif
