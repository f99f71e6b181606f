/*
 * encoded.h - encoded characters in strings (RFC 5228, 2.4.2.4)
 */
#ifndef SIEVE_ENCODED_H
#define SIEVE_ENCODED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Replace `${hex: 24 40}` and `${unicode: 40}` in s[0..*len), in place: what
 * they stand for is never longer. Malformed ones stay. False: one stands for no
 * character. Pure, linear.
 */
bool sieve_encoded_decode(char *s, size_t *len)
	__attribute__((warn_unused_result));

#endif
