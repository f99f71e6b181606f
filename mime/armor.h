/*
 * armor.h - OpenPGP in the lines of a text (RFC 4880, 6.2 and 7)
 *
 * Finds where a block starts and ends; what is in it is GnuPG's matter. Pure,
 * linear, no allocation.
 */
#ifndef MIME_ARMOR_H
#define MIME_ARMOR_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

enum armor_kind {
	ARMOR_MESSAGE, /* encrypted, or signed and packed */
	ARMOR_SIGNED   /* a text in clear with its signature */
};

struct armor {
	enum armor_kind kind;
	size_t start, end; /* the last line end included */
};

/* Find the next whole block from pos on. */
bool armor_find(char const *s, size_t len, size_t pos, struct armor *armor_r)
	__attribute__((warn_unused_result));

/*
 * Append the first encrypted block of a part of HTML, as the text that it was:
 * without tags, with the commonest entities decoded. Nothing is appended if
 * there is none. What comes of it is to be shown as text: put back into HTML it
 * could be carried away. False: memory is out.
 */
bool armor_from_html(char const *s, size_t len, stralloc *out)
	__attribute__((warn_unused_result));

/* Is there nothing but blanks and line ends? */
bool armor_is_blank(char const *s, size_t len);

#endif
