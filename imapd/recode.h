/*
 * recode.h - binary parts of a message as base64 (RFC 3516, 4.4)
 *
 * A maildir holds lines: octets that are none, sent with a literal8, are
 * stored in base64, which means the same to every reader.
 */
#ifndef RECODE_H
#define RECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/*
 * Append the message s[0..len) to out with every part whose transfer encoding
 * is `binary` in base64.
 *
 * False: errno; EILSEQ when a NUL would be left (the message does not say
 * that it is binary there).
 */
bool recode_binary(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
