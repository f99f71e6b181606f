/*
 * text_find.h - where a string is in a large text, fast
 *
 * By its first and its last octet, sixteen places at a time where the
 * processor can. Pure.
 */
#ifndef TEXT_FIND_H
#define TEXT_FIND_H

#include <stddef.h>

/* As memmem; len > 0. */
char const *text_find(
	char const *text, size_t text_len, char const *s, size_t len);

#endif
