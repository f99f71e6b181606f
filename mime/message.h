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

struct message {
	stralloc text;
	size_t count;
	struct structure_part parts[STRUCTURE_PARTS_MAX];
};

/*
 * Read all of fd and parse it. m is all zero at first.
 * Returns false with errno; EFBIG beyond MESSAGE_MAX.
 */
bool message_read(struct message *m, int fd)
	__attribute__((warn_unused_result));

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
