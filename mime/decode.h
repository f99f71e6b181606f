/*
 * decode.h - content transfer encodings, decoded (RFC 2045, 6.7 and 6.8)
 *
 * A stream decoder for base64, quoted-printable and uuencode that takes a body
 * in pieces; other encodings pass unchanged. Tolerant: octets outside the
 * base64 alphabet are skipped and padding in the middle starts anew; a '=' that
 * starts no valid sequence stands for itself. A quantum that neither four
 * letters nor padding complete is no data ("a full encoding quantum is always
 * completed at the end of a body"). Of uuencode only what stands between
 * "begin" and "end" is data. Line ends come out as they came in (LF or CRLF).
 * No allocation.
 */
#ifndef MIME_DECODE_H
#define MIME_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "mime/structure.h"

/* Blanks at a line's end that are held back; a longer run is no QP. */
#define DECODE_HELD_MAX 128

struct decode {
	enum structure_encoding encoding;
	uint32_t bits;
	unsigned int bits_count;
	size_t held_len;
	char held[DECODE_HELD_MAX];
	unsigned int uu_state, uu_left;
};

/* Room that the output of decode_push needs for len octets of input. */
#define DECODE_ROOM(len) ((len) + DECODE_HELD_MAX)

void decode_init(struct decode *d, enum structure_encoding encoding);

/*
 * Decode the next piece. out has DECODE_ROOM(len) octets and does not overlap
 * s. Returns the octets written.
 */
size_t decode_push(struct decode *d, char const *s, size_t len, char *out);

/* The rest, at the end of the body; out has DECODE_ROOM(0) octets. */
size_t decode_finish(struct decode *d, char *out);

#endif
