/*
 * tlsrequired.h - a message whose sender does without TLS (RFC 8689 3)
 *
 * Pure function over bytes.
 */
#ifndef TLSREQUIRED_H
#define TLSREQUIRED_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of a header that are looked at. */
#define TLSREQUIRED_LOOK 65536

/* Whether the header at the start of a message, s[0..len), holds the field
 * `TLS-Required: No`. */
bool tlsrequired_is_no(char const *s, size_t len);

#endif
