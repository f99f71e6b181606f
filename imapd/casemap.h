/*
 * casemap.h - strings in the order of i;unicode-casemap (RFC 5051)
 *
 * Sort keys: titlecase, then decomposition, written as UTF-8, so that keys
 * compare octet by octet. What the tables know: Latin, Greek, Cyrillic,
 * Armenian, Hangul, the ligatures of Latin letters, Roman numerals, circled and
 * full-width letters and figures. Other characters stay as they are, so they
 * are equal to themselves alone. Pure.
 */
#ifndef CASEMAP_H
#define CASEMAP_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/*
 * Append the key of s[0..len), which is UTF-8; other octets stay.
 * False: memory.
 */
bool casemap_append(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
