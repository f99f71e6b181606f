/*
 * listtext.h - what a list writes to people itself
 *
 * Messages with LF line ends, marked so that no program answers them (RFC
 * 3834). Pure, but for the random part of Message-ID. False: memory.
 */
#ifndef LISTTEXT_H
#define LISTTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "local/list/listset.h"

struct listtext {
	struct listset const *set;
	char const *hostname;
	uint64_t now;
	char const *to;
	size_t to_len;
	char const *subject; /* UTF-8 */
	char const *answers; /* where an answer goes: a detail of LIST-confirm,
			      * or NULL: to LIST-request */
	char const *thread;  /* a Message-ID, or NULL */
	bool is_from_owner;  /* From is LIST-owner */
};

/* The fields without those of the content and the empty line. */
bool listtext_fields(stralloc *out, struct listtext const *t)
	__attribute__((warn_unused_result));

/* The fields of a text, the empty line, and the text. */
bool listtext_body(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* The same as a whole message. */
bool listtext_make(stralloc *out, struct listtext const *t, char const *s,
	size_t len) __attribute__((warn_unused_result));

#endif
