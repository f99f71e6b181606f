/*
 * utf7.h - names of mailboxes between UTF-8 and modified UTF-7 (RFC 3501,
 * 5.1.3; RFC 9051, 5.1; RFC 9755, 3)
 *
 * On disk, and to clients that have not asked for more, names are in modified
 * UTF-7. Pure.
 */
#ifndef UTF7_H
#define UTF7_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of an encoded character at most, for each octet of UTF-8. */
#define UTF7_ROOM(len) (3 * (len) + 2)

/*
 * UTF-8 to modified UTF-7; every `&` becomes `&-`.
 *
 * out  UTF7_ROOM(len) octets
 *
 * False: not valid UTF-8.
 */
bool utf7_encode(char const *s, size_t len, char *out, size_t *len_r)
	__attribute__((warn_unused_result));

/*
 * Modified UTF-7 that boxname_utf7 has found well-formed to UTF-8.
 *
 * out  UTF7_ROOM(len) octets
 */
size_t utf7_decode(char const *s, size_t len, char *out);

/*
 * The next character of UTF-8 text at s[0..len), len > 0 (RFC 3629, 4).
 * Returns its octets, 0 if it is none.
 */
size_t utf8_next(char const *s, size_t len, unsigned long *code_r);

/* Is all of it UTF-8? */
bool utf8_valid(char const *s, size_t len);

#endif
