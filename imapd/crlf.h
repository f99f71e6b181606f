/*
 * crlf.h - message text as IMAP counts and sends it
 *
 * Files have LF line ends, mostly; on the wire every LF without a CR before it
 * becomes CRLF and all else stays as it is. A text may come in pieces.
 */
#ifndef CRLF_H
#define CRLF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stream.h"

struct crlf {
	bool after_cr;
	/* What is sent of the converted text: `left` octets behind the first
	 * `skip`. */
	uint64_t skip, left;
};

/* Octets of the next piece when converted. Pure but for *c. */
uint64_t crlf_size(struct crlf *c, char const *s, size_t len);

/* Send the next piece. False: the stream has failed. */
bool crlf_send(struct crlf *c, struct stream *stream, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
