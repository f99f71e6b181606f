/*
 * metarecord.h - records of the file `kereru-meta` (kereru-maildir(5))
 *
 * imapd keeps there what it has learned of messages; `mime ls` reads it. A file
 * is META_MAGIC and records behind one another, each aligned to META_UNIT, in
 * the byte order of the host: struct metarecord, then the texts, then zeros. A
 * record is never changed, the last one of a message counts. It is a cache:
 * whatever it says is believed only of a file with the name and the inode that
 * the record has. Pure.
 */
#ifndef MIME_METARECORD_H
#define MIME_METARECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define META_FILE "kereru-meta"
#define META_MAGIC "KRMETA\0\1"
#define META_MAGIC_LEN 8
/* A record's octets at most, and the unit of places and lengths. */
#define META_RECORD_MAX ((size_t)1 << 20)
#define META_UNIT 8u

/* What an entry holds: bits of present. */
#define META_SIZE 1u	   /* size */
#define META_DATE 2u	   /* date */
#define META_HEADER 4u	   /* header: all fields that are kept */
#define META_ENVELOPE 8u   /* envelope */
#define META_STRUCTURE 16u /* structure and body */
#define META_DIGEST 32u	   /* digest */

#define META_DIGEST_LEN 16

enum metarecord_text {
	METARECORD_ENVELOPE,
	METARECORD_STRUCTURE,
	METARECORD_BODY,
	METARECORD_HEADER,
	METARECORD_TEXTS
};

/* What a record begins with. */
struct meta_head {
	uint32_t crc; /* of what follows, up to len */
	uint32_t len; /* in octets, a multiple of META_UNIT */
};

/* Written to files as it is; the texts follow. */
struct metarecord {
	struct meta_head head;
	uint32_t uid, name, inode; /* as metarecord_name and _inode give them */
	uint32_t present;
	uint64_t size;
	int64_t date;
	unsigned char digest[META_DIGEST_LEN];
	uint32_t lens[METARECORD_TEXTS];
};

struct meta_entry {
	unsigned present;
	uint64_t size; /* RFC822.SIZE */
	int64_t date;  /* INTERNALDATE: the file's mtime, seconds */
	unsigned char digest[META_DIGEST_LEN];
	/* Wire text with its parentheses. */
	char const *envelope, *structure, *body;
	size_t envelope_len, structure_len, body_len;
	/*
	 * The lines of the fields in meta_field_names (imapd/meta.c) with CRLF
	 * ends, in their order, each field as often as it is there, and an
	 * empty line: a header to parse as any other. A field of those names
	 * that is not here is not in the message.
	 */
	char const *header;
	size_t header_len;
};

/* Can a record begin so? */
bool metarecord_is_head(struct meta_head const *h);

/* Is s[0..len) a record whose checksum is right? len is that of its head. */
bool metarecord_is_whole(char const *s, size_t len);

/* Give the parts of a record that is whole; pointers into s. False: it is
 * none after all. */
bool metarecord_take_apart(char const *s, size_t len, struct metarecord *r_r,
	struct meta_entry *e_r) __attribute__((warn_unused_result));

/* Base name (all before the first ':') and inode as records have them. */
uint32_t metarecord_name(char const *base, size_t len);
static inline uint32_t
metarecord_inode(uint64_t inode)
{
	return (uint32_t)(inode ^ inode >> 32);
}

#endif
