/*
 * body.h - reading parts of a queue file
 */
#ifndef BODY_H
#define BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

enum body_result { BODY_OK, BODY_SHORT, BODY_FAILED };

/* Give [offset, offset+len) of fd to put, piece by piece. BODY_SHORT: the file
 * ends before. BODY_FAILED: errno. */
typedef void body_put(void *data, char const *s, size_t len);
enum body_result body_copy(
	int fd, uint64_t offset, uint64_t len, body_put *put, void *data);

/* Append the header (up to the empty line, at most max octets) of the message
 * that starts at offset to sa. */
enum body_result body_header(
	int fd, uint64_t offset, uint64_t len, size_t max, stralloc *sa);

/* Whether a header has a field `Delivered-To: address` (no case). */
bool body_was_delivered_to(char const *header, size_t len, char const *address,
	size_t address_len);

#endif
