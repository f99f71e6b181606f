/*
 * canon.h - canonicalization of header fields and bodies (RFC 6376 3.4)
 *
 * Streaming: pieces of the result are handed to a function, nothing is kept
 * but a small buffer, whatever the message's size. Lines end in CRLF; a lone CR
 * or LF is an octet like others.
 */
#ifndef CANON_H
#define CANON_H

#include <stdbool.h>
#include <stddef.h>
#include "mime/header.h"

typedef void canon_sink(void *data, char const *s, size_t len);

/*
 * A header field. What lies in the octets [skip, skip_end) of field->line is
 * left out (the value of b=; equal offsets: nothing). The CRLF at the end comes
 * only if with_end.
 */
void canon_field(bool is_relaxed, struct header_field const *field, size_t skip,
	size_t skip_end, bool with_end, canon_sink *sink, void *data);

#define CANON_BUFFER 4096

struct canon_body {
	bool is_relaxed;
	bool has_cr, has_blank, has_text;
	size_t line_ends; /* held back: they may be the last */
	canon_sink *sink;
	void *data;
	size_t used;
	char buffer[CANON_BUFFER];
};

void canon_body_init(
	struct canon_body *c, bool is_relaxed, canon_sink *sink, void *data);
void canon_body_push(struct canon_body *c, char const *s, size_t len);
/* The end of the body; once. */
void canon_body_finish(struct canon_body *c);

#endif
