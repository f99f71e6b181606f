/*
 * reader.h - collecting a command: lines and literals
 *
 * A command of any length is read to its end; what is beyond the limits is
 * dropped, but the last octets of each line are kept, so that a literal that
 * follows is noticed.
 */
#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stream.h"
#include "imapd/command.h"

#define READER_TAIL 32
#define READER_MAX (COMMAND_MAX + COMMAND_LITERALS_MAX + 2 * READER_TAIL)

struct reader {
	struct stream *stream;
	size_t len, line; /* line: where the last line starts */
	size_t literals;
	bool too_long;
	size_t tail; /* too_long: from here on the last octets of a line */
	char s[READER_MAX];
};

void reader_start(struct reader *r, struct stream *stream);

/* Append the next line, without its end. 1, 0 at the end of input, -1. */
int reader_line(struct reader *r) __attribute__((warn_unused_result));

/* Append octets; the caller has checked that they fit. */
void reader_add(struct reader *r, char const *s, size_t len);

/* Append the next size octets of input, which fit. As reader_line. */
int reader_literal(struct reader *r, size_t size)
	__attribute__((warn_unused_result));

/* Read the next size octets and drop them. As reader_line. */
int reader_skip(struct stream *stream, uint64_t size)
	__attribute__((warn_unused_result));

#endif
