/*
 * listrole.h - which of a list's addresses mail came to
 *
 * A list LIST@DOMAIN has LIST-request, LIST-owner and so on, each also with a
 * detail behind a `+`. Pure.
 */
#ifndef LISTROLE_H
#define LISTROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>
#include "local/list/listset.h"

enum listrole {
	LISTROLE_POST, /* any other address leads here: an alias's, say */
	LISTROLE_REQUEST,
	LISTROLE_OWNER,
	LISTROLE_SUBSCRIBE,
	LISTROLE_UNSUBSCRIBE,
	LISTROLE_CONFIRM,
	LISTROLE_BOUNCES
};
#define LISTROLE_COUNT 7

/* What is behind the local part: "", "-request" and so on. */
char const *listrole_suffix(enum listrole role);

/* The role of an address of the list; the detail, empty if there is none,
 * points into address. */
enum listrole listrole_find(struct listset const *set, char const *address,
	size_t len, struct listset_text *detail_r);

/* Append the list's address of a role, with a detail ("": without). */
bool listrole_address(stralloc *out, struct listset const *set,
	enum listrole role, char const *detail)
	__attribute__((warn_unused_result));

/* Append the list's id (RFC 2919): its address with a dot for the @. */
bool listrole_id(stralloc *out, struct listset const *set)
	__attribute__((warn_unused_result));

#endif
