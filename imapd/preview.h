/*
 * preview.h - the start of what a message says (RFC 8970)
 *
 * Of the first part that is text to be read, plain if there is any, else HTML
 * without its tags: as UTF-8 on one line, runs of blanks made one. Empty where
 * there is none. Pure; looks at no more than PREVIEW_LOOK_MAX octets of it.
 */
#ifndef PREVIEW_H
#define PREVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "mime/structure.h"

#define PREVIEW_CHARACTERS 200
#define PREVIEW_LOOK_MAX 16384

/* Append the preview of the message s that parts were made from. False: memory
 * is out. */
bool preview_make(stralloc *out, char const *s,
	struct structure_part const *parts, size_t count)
	__attribute__((warn_unused_result));

#endif
