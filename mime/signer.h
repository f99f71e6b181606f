/*
 * signer.h - who signed, beside who says to have written
 */
#ifndef MIME_SIGNER_H
#define MIME_SIGNER_H

#include <stdbool.h>
#include <stddef.h>

#include "mime/engine.h"
#include "mime/unlock.h"

/* Append the addresses of all fields of that name, in lower case, each ended by
 * NUL. False: memory is out. */
bool signer_addresses(stralloc *out, char const *header, size_t len,
	char const *name) __attribute__((warn_unused_result));

/* Fill u->from and u->date from a message's header. False: memory is out. */
bool signer_claimed(struct unlock *u, char const *header, size_t len)
	__attribute__((warn_unused_result));

/*
 * Judge the signatures of r, and append a line for each to u->report.
 *
 * part  number of the only part that they cover, for people; NULL: the whole
 *
 * *good_r: all of them fit, certified or not. False: memory is out.
 */
bool signer_judge(struct unlock *u, struct engine_result const *r,
	char const *part, bool *good_r) __attribute__((warn_unused_result));

/* A signature that cannot be looked at at all. */
bool signer_bad(struct unlock *u, char const *why, char const *part)
	__attribute__((warn_unused_result));

#endif
