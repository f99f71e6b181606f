/*
 * msgid.h - message ids in header fields (RFC 5322, 3.6.4), normalized
 *
 * Quotes that need not be and blanks vanish, so that the several ways
 * to write one id give the same octets (RFC 5256, 3). Pure, linear.
 */
#ifndef MSGID_H
#define MSGID_H

#include <stdbool.h>
#include <stddef.h>

/* A longer one is passed over. */
#define MSGID_MAX 1000

/*
 * Give the next id in the raw value s[0..len), without its angle brackets.
 *
 * pos  0 at first; moved on
 * out  at least MSGID_MAX octets
 *
 * Returns its length, 0 at the end.
 */
size_t msgid_next(char const *s, size_t len, size_t *pos, char *out);

#endif
