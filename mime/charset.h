/*
 * charset.h - character sets to UTF-8
 *
 * A stream decoder over flat tables that charset_gen makes from iconv when
 * the programs are built: a static program needs neither modules nor locale.
 * Whatever comes in, what goes out is valid UTF-8 (RFC 3629): octets without a
 * meaning become U+FFFD. Names are compared as RFC 2978 lists them, without
 * regard to case and punctuation.
 *
 * Read as their common supersets, for this is how they are used in mail:
 * iso-8859-1 and us-ascii (where they have octets of the other) as
 * windows-1252 and UTF-8, gb2312 and gbk as gb18030, shift_jis as cp932,
 * euc-kr as cp949.
 */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#define CHARSET_REPLACEMENT 0xfffdu

/* Octets of a sequence that may wait for their rest. */
#define CHARSET_PENDING_MAX 8

/* One row of the table of known sets. */
struct charset;

struct charset_decoder {
	struct charset const *charset;
	uint16_t const *codes; /* of a single-octet set */
	unsigned int mode;     /* shift state, byte order */
	uint32_t bits;	       /* UTF-7: bits and surrogate not yet used */
	unsigned int bits_count;
	uint32_t surrogate;
	size_t pending_len;
	unsigned char pending[CHARSET_PENDING_MAX];
};

/* Is the set known? */
bool charset_known(char const *name, size_t len);

/*
 * Start to decode from the set called name[0..len). An unknown or empty name
 * is taken for UTF-8, which leaves ASCII as it is.
 */
void charset_init(struct charset_decoder *d, char const *name, size_t len);

/*
 * Append s[0..len) as UTF-8 to out; a sequence that is not complete waits for
 * the next call. Returns false only when memory is out (errno).
 */
bool charset_push(struct charset_decoder *d, char const *s, size_t len,
	stralloc *out) __attribute__((warn_unused_result));

/* The end: what still waits becomes U+FFFD, and d is as after charset_init. */
bool charset_finish(struct charset_decoder *d, stralloc *out)
	__attribute__((warn_unused_result));

/* charset_init, charset_push and charset_finish in one. */
bool charset_to_utf8(char const *name, size_t name_len, char const *s,
	size_t len, stralloc *out) __attribute__((warn_unused_result));

/* Append one code point as UTF-8; what is none becomes U+FFFD. */
bool charset_put(stralloc *out, uint32_t code)
	__attribute__((warn_unused_result));

#endif
