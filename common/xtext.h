/*
 * xtext.h - xtext, in which parameters of SMTP carry any octet (RFC 3461 4)
 *
 * Printable ASCII stands for itself, but for `+` and `=`; `+XX`, in capital
 * hexadecimal digits, for any octet. Pure functions.
 */
#ifndef XTEXT_H
#define XTEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether s[0..len) is xtext; nothing at all is. */
bool xtext_valid(char const *s, size_t len);

/* Decode into out, which has room for len octets; what is no xtext stays as it
 * is. The length. */
size_t xtext_decode(char const *s, size_t len, char *out);

#endif
