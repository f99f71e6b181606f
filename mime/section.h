/*
 * section.h - sections of a message as IMAP names them (RFC 3501, 6.4.5;
 * RFC 9051, 6.4.5): "1.2.MIME", "HEADER", "TEXT", "HEADER.FIELDS", ""
 *
 * The parser takes what stands between the brackets, up to the list of field
 * names, which the command parser reads by itself (they are astrings). The
 * look-up gives spans of the raw bytes together with their size in CRLF form.
 */
#ifndef MIME_SECTION_H
#define MIME_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "mime/structure.h"

#define SECTION_PATH_MAX STRUCTURE_DEPTH_MAX

enum section_kind {
	SECTION_ALL,	/* BODY[] or BODY[1.2] */
	SECTION_HEADER, /* HEADER of the message or of a message/rfc822 part */
	SECTION_FIELDS,
	SECTION_FIELDS_NOT,
	SECTION_TEXT,
	SECTION_MIME /* header of the part itself; only with a path */
};

struct section {
	uint32_t path[SECTION_PATH_MAX]; /* part numbers from 1 */
	unsigned int path_len;
	enum section_kind kind;
};

struct section_span {
	size_t offset;
	size_t len;
	size_t size; /* octets in CRLF form */
};

/*
 * Parse the section at the start of s[0..len), without regard to case.
 *
 * used_r  octets eaten: behind it stands the end, ']', or, for
 *         SECTION_FIELDS and SECTION_FIELDS_NOT, the blank before the list
 *
 * Returns false if it is none. A path deeper than SECTION_PATH_MAX is none.
 */
bool section_parse(char const *s, size_t len, struct section *section_r,
	size_t *used_r) __attribute__((warn_unused_result));

/*
 * Find the part that a path names. Number 1 of a part that is no multipart is
 * the part itself; a path goes through message/rfc822 into the message in it.
 *
 * Returns its index in parts, or STRUCTURE_NONE.
 */
uint32_t section_part(struct section const *section,
	struct structure_part const *parts, size_t count);

/*
 * Find the raw bytes of a section. For SECTION_FIELDS and SECTION_FIELDS_NOT
 * it is the whole header, to be handed to section_fields.
 *
 * Returns false if the message has no such part; then *span_r is empty.
 */
bool section_find(struct section const *section,
	struct structure_part const *parts, size_t count,
	struct section_span *span_r) __attribute__((warn_unused_result));

/* One name of HEADER.FIELDS, not NUL-ended. */
struct section_name {
	char const *s;
	size_t len;
};

/*
 * Append to sa the fields of a header that have one of the names (all others
 * when `not` is set), each line ended by CRLF, and an empty line behind them.
 *
 * Returns false only when memory is out (errno).
 */
bool section_fields(stralloc *sa, char const *header, size_t header_len,
	struct section_name const *names, size_t names_count, bool not )
	__attribute__((warn_unused_result));

/*
 * Append raw bytes to sa in CRLF form: an LF without CR before it becomes
 * CRLF, all else is as it was. `prev_cr` tells that the octet before s was a
 * CR. Returns false only when memory is out.
 */
bool section_crlf(stralloc *sa, char const *s, size_t len, bool prev_cr)
	__attribute__((warn_unused_result));

#endif
