/*
 * charset_east.h - decoders of the East Asian sets, for charset.c
 *
 * Each takes one sequence off s[0..len), len > 0. It returns the octets eaten
 * and the code point in *code (CHARSET_NONE where a shift means none), or 0 if
 * fewer than 4 octets are there and more are needed.
 */
#ifndef MIME_CHARSET_EAST_H
#define MIME_CHARSET_EAST_H

#include <stddef.h>
#include <stdint.h>

#include "mime/charset.h"

#define CHARSET_NONE UINT32_MAX

typedef size_t (*charset_next)(struct charset_decoder *d,
	unsigned char const *s, size_t len, uint32_t *code);

size_t charset_next_gb(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code);
size_t charset_next_big5(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code);
size_t charset_next_kr(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code);
size_t charset_next_sjis(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code);
size_t charset_next_eucjp(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code);
size_t charset_next_iso2022jp(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code);
size_t charset_next_iso2022kr(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code);
size_t charset_next_hz(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code);

#endif
