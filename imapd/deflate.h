/*
 * deflate.h - a compressed connection (RFC 4978; RFC 1951)
 *
 * A layer under a stream. Of what comes in no more is ever unpacked than the
 * stream has room for; both directions together take some 100 KB. One per
 * process.
 */
#ifndef DEFLATE_H
#define DEFLATE_H

#include <stdbool.h>

#include "common/stream.h"

/* From here on all is compressed. The stream has been flushed; what it has
 * read ahead is thrown away. False: memory is out, nothing has changed. */
bool deflate_start(struct stream *s) __attribute__((warn_unused_result));

/* Is there input that poll on the stream's descriptor does not tell of? */
bool deflate_pending(void);

#endif
