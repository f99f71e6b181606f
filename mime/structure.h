/*
 * structure.h - the MIME tree of a message (RFC 2045, RFC 2046)
 *
 * One linear pass over a whole message in memory gives a flat array of parts
 * in the order of the message: part 0 is the message itself, a child always
 * stands behind its parent. The line end before a boundary belongs to the
 * boundary, for a nested message too (RFC 2046, 5.1.1).
 *
 * The bytes may have CRLF or LF line ends. Offsets and lengths are those of
 * the raw bytes; *_size are the octets of the same span if every line ended
 * in CRLF, which is what IMAP counts.
 *
 * Hostile input: at most STRUCTURE_DEPTH_MAX levels, as many parts as the
 * caller's array holds, STRUCTURE_HEADER_MAX octets of headers together. What
 * lies beyond is the opaque body of the part where the limit was met; never an
 * error. Nothing is allocated.
 */
#ifndef MIME_STRUCTURE_H
#define MIME_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRUCTURE_DEPTH_MAX 100
#define STRUCTURE_PARTS_MAX 10000
#define STRUCTURE_HEADER_MAX (1024 * 1024)

/* No such part. */
#define STRUCTURE_NONE UINT32_MAX

enum structure_kind {
	STRUCTURE_LEAF,
	/* Its children are the body parts; always at least one (an empty
	   text/plain is made up where the body has none). */
	STRUCTURE_MULTIPART,
	/* message/rfc822 or message/global: its only child is the message
	   in it, whose header starts where this part's body starts. */
	STRUCTURE_MESSAGE
};

enum structure_encoding {
	STRUCTURE_IDENTITY, /* 7bit, 8bit, binary or none given */
	STRUCTURE_QUOTED_PRINTABLE,
	STRUCTURE_BASE64,
	STRUCTURE_UUENCODE, /* x-uuencode and its kin, of no standard */
	STRUCTURE_UNKNOWN_ENCODING
};

/* A span of the message's raw bytes; len 0: not there. */
struct structure_span {
	size_t offset;
	size_t len;
};

struct structure_part {
	uint32_t parent; /* STRUCTURE_NONE for part 0 */
	uint32_t child;	 /* first child, or STRUCTURE_NONE */
	uint32_t next;	 /* next part with the same parent, or STRUCTURE_NONE */
	uint16_t depth;	 /* 0 for part 0 */
	uint8_t kind;	 /* enum structure_kind */
	uint8_t encoding; /* enum structure_encoding */
	/* A limit made this part a leaf whatever its type says. */
	bool opaque;
	/* It stands in a multipart/digest: without a type of its own it is
	   message/rfc822, not text/plain (RFC 2046, 5.1.5). */
	bool digest;
	/* The message has no such part: the one of a multipart without. */
	bool made_up;

	/* Header with its empty line. */
	size_t header_offset;
	size_t header_len;
	size_t header_lines;
	size_t header_size;

	size_t body_offset;
	size_t body_len;
	size_t body_lines; /* line ends in the body */
	size_t body_size;

	/* Of Content-Type: the whole raw value, and the two tokens in it;
	   empty if there is no such field or it cannot be understood. */
	struct structure_span content_type;
	struct structure_span type;
	struct structure_span subtype;
};

/*
 * Parse the message s[0..len) into parts[0..parts_max), parts_max > 0.
 *
 * Returns how many parts were filled, at least 1. Does not fail.
 */
size_t structure_parse(char const *s, size_t len, struct structure_part *parts,
	size_t parts_max);

/*
 * The same, for a message that is mapped: passed is called with arg now and
 * then, at least every STRUCTURE_STEP octets, and told how far it has come.
 * What is before that is hardly looked at again.
 */
#define STRUCTURE_STEP (1024 * 1024)
size_t structure_parse_passing(char const *s, size_t len,
	struct structure_part *parts, size_t parts_max,
	void (*passed)(void *arg, size_t pos), void *arg);

/*
 * The type of a part as it is to be treated, NUL-ended, lower case, defaults
 * applied: "image/png"; "text/plain" where there is none.
 * out  at least STRUCTURE_TYPE_MAX octets; longer types are cut.
 */
#define STRUCTURE_TYPE_MAX 160
void structure_type(
	char const *s, struct structure_part const *part, char *out);

/* Does the part have this type ("text/plain", "text/" for any text)? */
bool structure_is(
	char const *s, struct structure_part const *part, char const *type);

#endif
