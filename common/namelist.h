/*
 * namelist.h - lists of mailboxes in a setting
 *
 * Text: `anna@example.org @example.net`, one blank between, in lower case. `*`
 * is everybody. Pure functions.
 */
#ifndef NAMELIST_H
#define NAMELIST_H

#include <stdbool.h>
#include <stddef.h>

/* Whether s is an address, @DOMAIN or `*`. */
bool namelist_is_item(char const *s, size_t len);

/* Whether the list (which may be NULL) holds the address, in lower case. */
bool namelist_holds(char const *list, char const *address, size_t len);

#endif
