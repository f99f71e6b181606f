/*
 * queuebody.h - reading parts of a queue file
 */
#ifndef QUEUEBODY_H
#define QUEUEBODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

enum queuebody_result { QUEUEBODY_OK, QUEUEBODY_SHORT, QUEUEBODY_FAILED };

/* Give [offset, offset+len) of fd to put, piece by piece. QUEUEBODY_SHORT: the
 * file ends before. QUEUEBODY_FAILED: errno. */
typedef void queuebody_put(void *data, char const *s, size_t len);
enum queuebody_result queuebody_copy(
	int fd, uint64_t offset, uint64_t len, queuebody_put *put, void *data);

/* Append the header (up to the empty line, at most max octets) of the message
 * that starts at offset to sa. */
enum queuebody_result queuebody_header(
	int fd, uint64_t offset, uint64_t len, size_t max, stralloc *sa);

/* Whether a header has a field `Delivered-To: address` (no case). */
bool queuebody_was_delivered_to(char const *header, size_t len,
	char const *address, size_t address_len);

/* Where a message lies in an open queue file. */
struct queuebody {
	int fd;
	uint64_t message_offset, message_len, added_offset, added_len;
};

/*
 * Whether a message has been delivered to address before, as its header, or
 * what was added in front of it, says (64 KiB of each are searched).
 * QUEUEBODY_OK: *loops_r.
 */
enum queuebody_result queuebody_find_loop(struct queuebody const *b,
	char const *address, size_t address_len, bool *loops_r)
	__attribute__((warn_unused_result));

#endif
