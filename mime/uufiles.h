/*
 * uufiles.h - uuencoded files in the texts of a message (uutext.h)
 *
 * They are numbered behind the part that they are in: 1:1, 1:2.
 */
#ifndef MIME_UUFILES_H
#define MIME_UUFILES_H

#include <stdbool.h>
#include <stddef.h>

#include "mime/body.h"
#include "mime/message.h"
#include "mime/uutext.h"

/*
 * Find the files in a part that is a text/plain to be shown; another has none.
 * u is all zero or was used before; the caller frees it. False: memory is out.
 */
bool uufiles_find(struct message const *m, struct structure_part const *part,
	struct uutext *u) __attribute__((warn_unused_result));

/* The text of the part as body_text gives it, without the lines of files. */
bool uufiles_text(struct message const *m, struct structure_part const *part,
	body_sink *sink, void *arg) __attribute__((warn_unused_result));

/* The octets of a file that uufiles_find has found in the part. */
bool uufiles_octets(struct message const *m, struct structure_part const *part,
	struct uutext_file const *file, body_sink *sink, void *arg)
	__attribute__((warn_unused_result));

/* Append the name of file k as UTF-8; not to be trusted. Memory. */
bool uufiles_name(struct uutext const *u, size_t k, stralloc *out)
	__attribute__((warn_unused_result));

#endif
