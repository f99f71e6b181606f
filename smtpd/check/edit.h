/*
 * edit.h - changes to a message that is looked at
 *
 * A message as it came, what hooks and milters make of it, and the header lines
 * that are put in front. What comes out has CRLF line ends and no NUL, whatever
 * went in. Nothing is copied until something within the message changes.
 */
#ifndef EDIT_H
#define EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>
#include "mime/header.h"

/* Octets of all lines in front; what does not fit is left out. */
#define EDIT_FRONT_MAX 60000

struct edit {
	char const *s; /* the message as it is now */
	size_t len;
	bool is_replaced; /* it is no longer what came */
	stralloc front;	  /* lines, each ended by CRLF */
	stralloc text;	  /* of a changed message */
};

/* s stays the caller's. */
void edit_init(struct edit *e, char const *s, size_t len);
void edit_free(struct edit *e);

/*
 * Put `name: value` behind the lines in front. Line ends in value are folds.
 * False: no memory, no room, or name is none. edit_front_first puts it before
 * them.
 */
bool edit_front(struct edit *e, char const *name, size_t name_len,
	char const *value, size_t value_len)
	__attribute__((warn_unused_result));
bool edit_front_first(struct edit *e, char const *name, size_t name_len,
	char const *value, size_t value_len)
	__attribute__((warn_unused_result));

/*
 * Give field number index (from 1) of that name another value; an empty one
 * removes it. There is none: a line in front, if there is a value. False: as
 * above.
 */
bool edit_change(struct edit *e, unsigned index, char const *name,
	size_t name_len, char const *value, size_t value_len)
	__attribute__((warn_unused_result));

/* Remove all fields that is_removed names. False: no memory. */
bool edit_remove(struct edit *e,
	bool (*is_removed)(void *data, struct header_field const *field),
	void *data) __attribute__((warn_unused_result));

/* Another body; another message. False: no memory. */
bool edit_body(struct edit *e, char const *s, size_t len)
	__attribute__((warn_unused_result));
bool edit_message(struct edit *e, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
