/*
 * message.h - a message in memory, for the commands of mime
 */
#ifndef MIME_MESSAGE_H
#define MIME_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "mime/header.h"
#include "mime/structure.h"

/* Longest message read, in octets. */
#define MESSAGE_MAX (256u * 1024 * 1024)
/* A file larger than this is mapped instead, up to MESSAGE_MAPPED_MAX: then
 * only what is being looked at is in memory. */
#define MESSAGE_MAPPED_MIN (16u * 1024 * 1024)
#define MESSAGE_MAPPED_MAX (2048ul * 1024 * 1024)

struct message {
	stralloc text;
	size_t mapped; /* not 0: text.s is a map of that length */
	size_t count;
	struct structure_part parts[STRUCTURE_PARTS_MAX];
};

/*
 * Make ready to read fd, before a sandbox closes that allows nothing else: a
 * large file is mapped. m is all zero at first, and can be used again: what it
 * held is gone then. A file that somebody else makes shorter meanwhile ends the
 * program. False: errno; EFBIG beyond the limit.
 */
bool message_prepare(struct message *m, int fd)
	__attribute__((warn_unused_result));

/*
 * Read all of fd, unless it is mapped, and parse it.
 * Returns false with errno; EFBIG beyond MESSAGE_MAX.
 */
bool message_read(struct message *m, int fd)
	__attribute__((warn_unused_result));

/* What lies before pos will not be needed soon: for m->mapped. */
void message_passed(struct message const *m, size_t pos);

/* The first field of that name in the header of a part. */
bool message_field(struct message const *m, struct structure_part const *part,
	char const *name, struct header_field *field_r)
	__attribute__((warn_unused_result));

/* Append the section number of part i as IMAP counts: "1", "2.1"; "" for a
 * message's multipart. False only when memory is out. */
bool message_number(struct message const *m, size_t i, stralloc *out)
	__attribute__((warn_unused_result));

/* Is the part meant to be kept rather than shown (RFC 2183, 2.2)? */
bool message_is_attachment(
	struct message const *m, struct structure_part const *part);

/* Append the file name that the part suggests, as UTF-8; nothing if none.
 * False only when memory is out. */
bool message_filename(struct message const *m,
	struct structure_part const *part, stralloc *out)
	__attribute__((warn_unused_result));

#endif
