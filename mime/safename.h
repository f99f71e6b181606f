/*
 * safename.h - a file name from a message, fit for a folder
 *
 * What a message suggests is only a wish: no folder, no hidden file, no
 * control, nothing that a shell or another system reads in its own way at the
 * start. Pure.
 */
#ifndef MIME_SAFENAME_H
#define MIME_SAFENAME_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/* Octets of a name: with a number added, it still is one (NAME_MAX). */
#define SAFENAME_MAX 200

/*
 * Append a name made of the UTF-8 s[0..len), NUL not included: what is behind
 * the last '/' or '\', without leading dots, dashes and blanks, or trailing
 * dots and blanks; what remains that is no plain character becomes '_'. Longer
 * ones lose their middle, not their extension. Nothing is appended if nothing
 * remains. False only when memory is out.
 */
bool safename(char const *s, size_t len, stralloc *out)
	__attribute__((warn_unused_result));

#endif
