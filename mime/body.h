/*
 * body.h - the body of a part, decoded
 *
 * Gives it in pieces to a function of the caller's, which returns false with
 * errno to stop. All return false when that did, or memory is out.
 */
#ifndef MIME_BODY_H
#define MIME_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mime/message.h"

typedef bool body_sink(void *arg, char const *s, size_t len);

/* The octets, transfer encoding taken off. */
bool body_octets(struct message const *m, struct structure_part const *part,
	body_sink *sink, void *arg) __attribute__((warn_unused_result));

/* The same as UTF-8 by the part's character set, in whole characters; lines
 * of format=flowed joined. */
bool body_text(struct message const *m, struct structure_part const *part,
	body_sink *sink, void *arg) __attribute__((warn_unused_result));

/* Octets of a part that are left out: from start, before end. */
struct body_hole {
	uint64_t start, end;
};

/* body_text of what is left of the octets: holes are in order. */
bool body_text_without(struct message const *m,
	struct structure_part const *part, struct body_hole const *holes,
	size_t count, body_sink *sink, void *arg)
	__attribute__((warn_unused_result));

/* A sink that appends to the stralloc arg. */
bool body_append(void *arg, char const *s, size_t len);

/* Is it a leaf of this type ("text/plain", "text/") that is to be shown, not
 * kept? */
bool body_is_shown(struct message const *m, struct structure_part const *part,
	char const *type);

/* What of a message is read: "text/plain" where it has any, else "text/". */
char const *body_type_shown(struct message const *m);

/* Append a parameter of Content-Type. Returns as rfc2231_find. */
int body_parameter(struct message const *m, struct structure_part const *part,
	char const *name, stralloc *out) __attribute__((warn_unused_result));

#endif
