/*
 * entity.h - the header of a message, divided into what is the message's and
 * what is its content's (RFC 3156, 3; RFC 8551, 3.1)
 *
 * To sign, encrypt or decrypt a message its content is taken out of it: the
 * Content-* fields and the body go in or come out, all else stays. Pure.
 */
#ifndef MIME_ENTITY_H
#define MIME_ENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

enum entity_fields {
	ENTITY_CONTENT, /* Content-* */
	ENTITY_REST,	/* all others but MIME-Version */
	/* Those of the message that a content may have a copy of, which then
	 * is what counts: Subject, To, Cc, Date, Reply-To, Message-ID,
	 * In-Reply-To, References, Followup-To. Not From: who it is that signed
	 * is judged by the one outside, which is the one that is shown. */
	ENTITY_PROTECTED
};

/* Append these fields of a header, each ended by a line end; lines that are no
 * fields are left out. All return false only when memory is out. */
bool entity_fields(stralloc *out, char const *header, size_t len,
	enum entity_fields which) __attribute__((warn_unused_result));

/*
 * Has the content with this header protected fields, by the parameter
 * protected-headers="v1" of its Content-Type (draft-autocrypt-lamps-protected-
 * headers) or hp (RFC 9788, 2.1.1)?
 */
bool entity_is_protected(char const *header, size_t len);

/* Append the ENTITY_REST of outer; where inner has fields of ENTITY_PROTECTED
 * these are taken in the place of outer's of the same name. */
bool entity_merge(stralloc *out, char const *outer, size_t outer_len,
	char const *inner, size_t inner_len)
	__attribute__((warn_unused_result));

/* Append s with CRLF turned into LF. */
bool entity_lf(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
