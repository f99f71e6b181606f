/* Names between UTF-8 and modified UTF-7; see utf7.h. */
#include <stdint.h>
#include <string.h>

#include "common/utf7.h"
#include "common/utf8.h"

static char const digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+,";

size_t
utf8_next(char const *s, size_t len, unsigned long *code_r)
{
	static unsigned long const least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char const c = (unsigned char)s[0];
	size_t const n = c < 0x80   ? 1
			 : c < 0xc0 ? 0
			 : c < 0xe0 ? 2
			 : c < 0xf0 ? 3
			 : c < 0xf8 ? 4
				    : 0;
	unsigned long code;

	if (n == 0 || n > len)
		return 0;
	code = n == 1 ? c : c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		unsigned char const next = (unsigned char)s[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff ||
		(code >= 0xd800 && code <= 0xdfff))
		return 0;
	*code_r = code;
	return n;
}

bool
utf8_valid(char const *s, size_t len)
{
	unsigned long code;

	for (size_t pos = 0, n; pos < len; pos += n) {
		n = utf8_next(s + pos, len - pos, &code);
		if (n == 0)
			return false;
	}
	return true;
}

struct writer {
	char *out;
	size_t len;
	bool shifted;
	uint32_t bits;
	unsigned count;
};

static void
put_unit(struct writer *w, uint32_t unit)
{
	w->bits = w->bits << 16 | unit;
	w->count += 16;
	while (w->count >= 6) {
		w->count -= 6;
		w->out[w->len++] = digits[w->bits >> w->count & 63];
	}
	w->bits &= (UINT32_C(1) << w->count) - 1;
}

static void
unshift(struct writer *w)
{
	if (!w->shifted)
		return;
	if (w->count > 0)
		w->out[w->len++] = digits[w->bits << (6 - w->count) & 63];
	w->out[w->len++] = '-';
	w->shifted = false;
	w->bits = w->count = 0;
}

bool
utf7_encode(char const *s, size_t len, char *out, size_t *len_r)
{
	struct writer w = {.out = out};
	unsigned long code;

	for (size_t pos = 0, n; pos < len; pos += n) {
		n = utf8_next(s + pos, len - pos, &code);
		if (n == 0)
			return false;
		if (code < 0x80) {
			unshift(&w);
			out[w.len++] = (char)code;
			if (code == '&')
				out[w.len++] = '-';
			continue;
		}
		if (!w.shifted)
			out[w.len++] = '&';
		w.shifted = true;
		if (code >= 0x10000) {
			code -= 0x10000;
			put_unit(&w, (uint32_t)(0xd800 | code >> 10));
			code = 0xdc00 | (code & 0x3ff);
		}
		put_unit(&w, (uint32_t)code);
	}
	unshift(&w);
	*len_r = w.len;
	return true;
}

/* From behind `&` to behind `-`. */
static size_t
decode_run(char const *s, size_t len, size_t *pos, char *out)
{
	uint32_t bits = 0, high = 0;
	unsigned count = 0;
	size_t n = 0;

	if (*pos < len && s[*pos] == '-') {
		(*pos)++;
		out[0] = '&';
		return 1;
	}
	for (; *pos < len && s[*pos] != '-'; (*pos)++) {
		char const *const at = strchr(digits, s[*pos]);
		uint32_t unit;

		bits = bits << 6 |
		       (at != NULL ? (uint32_t)(at - digits) & 63 : 0);
		count += 6;
		if (count < 16)
			continue;
		count -= 16;
		unit = bits >> count & 0xffff;
		bits &= (UINT32_C(1) << count) - 1;
		if (unit >= 0xd800 && unit <= 0xdbff) {
			high = unit;
			continue;
		}
		if (unit >= 0xdc00 && unit <= 0xdfff)
			unit = 0x10000 + ((high & 0x3ff) << 10) +
			       (unit & 0x3ff);
		n += utf8_put(out + n, unit);
	}
	if (*pos < len)
		(*pos)++;
	return n;
}

size_t
utf7_decode(char const *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t pos = 0; pos < len;)
		if (s[pos] == '&') {
			pos++;
			n += decode_run(s, len, &pos, out + n);
		} else {
			out[n++] = s[pos++];
		}
	return n;
}
