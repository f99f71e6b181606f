/*
 * rfc2047.h - encoded words in header fields (RFC 2047, RFC 2231 section 5)
 *
 * Takes an unfolded value (header_unfold) and gives valid UTF-8. Blanks
 * between two encoded words vanish; a character split over two words of the
 * same set and encoding is put together again, as many writers split them.
 * 8-bit octets outside of encoded words are taken for UTF-8 (RFC 6532). What
 * looks like an encoded word but is none stays as it is.
 */
#ifndef MIME_RFC2047_H
#define MIME_RFC2047_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/*
 * Append s[0..len) decoded to out. Linear time.
 * Returns false only when memory is out (errno).
 */
bool rfc2047_decode(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
