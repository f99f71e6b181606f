/*
 * listbody.h - a footer put under a posting
 *
 * Where the text can simply grow it does; else the posting becomes the first
 * part of a multipart/mixed. What is signed or encrypted stays as it is. Pure.
 */
#ifndef LISTBODY_H
#define LISTBODY_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>

enum listbody_way {
	LISTBODY_NOT,	 /* no footer */
	LISTBODY_BEHIND, /* text behind the body */
	LISTBODY_QUOTED, /* the same, quoted-printable */
	LISTBODY_WRAP
};

/* How, by the posting's header; is_ascii: the footer. */
enum listbody_way listbody_way(char const *header, size_t len, bool is_ascii);

/*
 * Append what goes between header and body (of LISTBODY_WRAP alone: the
 * boundary, and the body's own fields), and what goes behind the body, both
 * with CRLF. False: memory.
 */
bool listbody_before(stralloc *out, enum listbody_way way, char const *boundary,
	char const *header, size_t len) __attribute__((warn_unused_result));
bool listbody_behind(stralloc *out, enum listbody_way way, char const *boundary,
	char const *footer, size_t footer_len)
	__attribute__((warn_unused_result));

#endif
