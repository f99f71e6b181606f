/*
 * rfc2231.h - parameter values with continuations and character sets
 * (RFC 2231, sections 3 and 4)
 *
 * Finds `filename` in any of the forms filename=x, filename*=utf-8''%41,
 * filename*0=x; filename*1*=%42 (in any order), and gives it as UTF-8. What a
 * plain value holds of encoded words is decoded too: RFC 2047 forbids it, but
 * many writers do so. For raw parameters see rfc2045.h.
 */
#ifndef MIME_RFC2231_H
#define MIME_RFC2231_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/* Continuations of one value; those with higher numbers are left out. */
#define RFC2231_SECTIONS_MAX 100

/*
 * Append the value of the parameter called name to out.
 *
 * s[0..len)  raw field value; the parameters start at pos, as rfc2045_type
 *            or rfc2045_token found it
 *
 * Returns 1 if it is there, 0 if it is not, -1 when memory is out (errno).
 */
int rfc2231_find(char const *s, size_t len, size_t pos, char const *name,
	stralloc *out) __attribute__((warn_unused_result));

#endif
