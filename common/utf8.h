/*
 * utf8.h - a character as octets (RFC 3629)
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Octets of a character, at most 4. 0: it is none (a surrogate, or too large),
 * and nothing was written. Pure. */
size_t utf8_put(char *out, uint32_t code);

#endif
