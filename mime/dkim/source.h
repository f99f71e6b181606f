/*
 * source.h - the message that is looked at: a piece of a file, or bytes
 *
 * A message can be far bigger than what a process may keep in memory: its
 * header is read whole, up to a limit, and its body once, in pieces.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct source {
	char const *bytes; /* the message itself; NULL: it is in fd */
	int fd;
	uint64_t offset; /* of the message in fd */
	uint64_t len;
};

/*
 * Read up to max octets from `at` (octets from the message's start) into out.
 * Returns how many came, 0 at the end, -1 with errno. A file that is shorter
 * than len says is EIO.
 */
ssize_t source_read(struct source const *s, uint64_t at, char *out, size_t max)
	__attribute__((warn_unused_result));

#endif
