/*
 * edit.h - fields of a header added and taken away (RFC 5293)
 *
 * Works on a header in a stralloc, with LF or CRLF line ends, whose empty line
 * is not in it.
 */
#ifndef SIEVE_EDIT_H
#define SIEVE_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* Octets of a field's value. */
#define SIEVE_EDIT_VALUE_MAX 2048

/* Add a field in front, or with last behind all others. The value is UTF-8; it
 * is encoded (RFC 2047) where need be, line ends in it become blanks. False:
 * memory is out. */
bool sieve_edit_add(stralloc *header, bool last, char const *name,
	size_t name_len, char const *value, size_t len)
	__attribute__((warn_unused_result));

/* Whether a script may change fields of this name: not those that say which
 * way a message came, and stop loops. */
bool sieve_edit_allowed(char const *name, size_t len);

#endif
