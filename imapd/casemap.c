/* The order of i;unicode-casemap; see casemap.h. */
#include <stdint.h>

#include "imapd/casemap.h"
#include "imapd/casemap_tables.h"
#include "mime/charset.h"

/* Hangul syllables are made by rule (Unicode, 3.12). */
#define HANGUL_FIRST 0xac00u
#define HANGUL_LAST 0xd7a3u
#define HANGUL_VOWELS 21u
#define HANGUL_TAILS 28u

static uint32_t
title(uint32_t c)
{
	size_t low = 0, high = sizeof titles / sizeof *titles;

	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? c - 32 : c;
	while (low < high) {
		size_t const i = low + (high - low) / 2;

		if (c > titles[i].last) {
			low = i + 1;
			continue;
		}
		if (c < titles[i].first) {
			high = i;
			continue;
		}
		if ((c - titles[i].first) % titles[i].step != 0)
			return c;
		return (uint32_t)((int32_t)c + titles[i].add);
	}
	return c;
}

static uint16_t const *
find_parts(uint32_t c)
{
	size_t low = 0, high = sizeof parts / sizeof *parts;

	while (low < high) {
		size_t const i = low + (high - low) / 2;

		if (parts[i][0] == c)
			return parts[i];
		if (parts[i][0] < c)
			low = i + 1;
		else
			high = i;
	}
	return NULL;
}

static bool
put_hangul(stralloc *out, uint32_t c)
{
	uint32_t const n = c - HANGUL_FIRST, tail = n % HANGUL_TAILS;

	return charset_put(out, 0x1100 + n / (HANGUL_VOWELS * HANGUL_TAILS)) &&
	       charset_put(out, 0x1161 + n % (HANGUL_VOWELS * HANGUL_TAILS) /
						 HANGUL_TAILS) &&
	       (tail == 0 || charset_put(out, 0x11a7 + tail));
}

/* Only the first part of a decomposition is ever made of others again, but for
 * the full-width forms, which are no part of anything. */
static bool
put(stralloc *out, uint32_t c)
{
	uint16_t tails[16];
	uint16_t const *p;
	size_t n = 0;

	if (c >= HANGUL_FIRST && c <= HANGUL_LAST)
		return put_hangul(out, c);
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xff01 - '!';
	while ((p = find_parts(c)) != NULL && n + 2 <= sizeof tails / 2) {
		if (p[3] != 0)
			tails[n++] = p[3];
		if (p[2] != 0)
			tails[n++] = p[2];
		c = p[1];
	}
	if (!charset_put(out, c))
		return false;
	while (n > 0)
		if (!charset_put(out, tails[--n]))
			return false;
	return true;
}

/* The character at *i, which moves on; an octet that is none is given as
 * UINT32_MAX. */
static uint32_t
get(unsigned char const *s, size_t len, size_t *i)
{
	unsigned char const c = s[(*i)++];
	size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	uint32_t code = c & (0x3fu >> more);

	if (c < 0x80)
		return c;
	if (c < 0xc2 || c > 0xf4 || more > len - *i)
		return UINT32_MAX;
	for (size_t k = 0; k < more; k++) {
		if ((s[*i + k] & 0xc0) != 0x80)
			return UINT32_MAX;
		code = code << 6 | (s[*i + k] & 0x3fu);
	}
	*i += more;
	return code;
}

bool
casemap_append(stralloc *out, char const *s, size_t len)
{
	unsigned char const *const u = (unsigned char const *)s;

	if (!stralloc_readyplus(out, len + 8))
		return false;
	for (size_t i = 0; i < len;) {
		size_t const start = i;
		uint32_t const c = get(u, len, &i);

		if (c == UINT32_MAX) {
			if (!stralloc_catb(out, s + start, 1))
				return false;
		} else if (!put(out, title(c))) {
			return false;
		}
	}
	return true;
}
