/* Decoders of the East Asian sets; see charset_east.h. */
#include <stdbool.h>

#include "mime/charset_east.h"
#include "mime/charset_tables.h"

#define ESC 0x1b
#define SO 0x0e
#define SI 0x0f

/* What ISO-2022-JP has designated. */
enum { JP_ASCII, JP_KANA, JP_0208, JP_0212 };

enum { SHIFTED_OUT = 1 };

static bool
in(unsigned int c, unsigned int low, unsigned int high)
{
	return c >= low && c <= high;
}

/*
 * The end of each two-octet decoder. Of a pair without a meaning an ASCII
 * trail is left alone: it may be a quote or a '<' that must not vanish.
 */
static size_t
pair(uint32_t value, unsigned char trail, uint32_t *code)
{
	*code = value ? value : CHARSET_REPLACEMENT;
	return value || trail >= 0x80 ? 2 : 1;
}

static size_t
bad(uint32_t *code)
{
	*code = CHARSET_REPLACEMENT;
	return 1;
}

static uint32_t
gb_four(uint32_t index)
{
	if (index >= 189000)
		return index - 189000 <= 0xfffff ? index - 189000 + 0x10000
						 : CHARSET_REPLACEMENT;
	if (index >= CHARSET_GB_LINEAR_MAX)
		return CHARSET_REPLACEMENT;

	unsigned int low = 0, high = charset_gb_runs_count;

	while (high - low > 1) {
		unsigned int const middle = low + (high - low) / 2;

		if (charset_gb_runs[middle].index <= index)
			low = middle;
		else
			high = middle;
	}
	if (charset_gb_runs[low].code == 0)
		return CHARSET_REPLACEMENT;
	return charset_gb_runs[low].code + (index - charset_gb_runs[low].index);
}

size_t
charset_next_gb(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	unsigned char const c = s[0];

	(void)d;
	if (c <= 0x80) {
		*code = c == 0x80 ? 0x20ac : c; /* the euro of cp936 */
		return 1;
	}
	if (c == 0xff)
		return bad(code);
	if (len < 2)
		return 0;
	if (!in(s[1], 0x30, 0x39))
		return pair(in(s[1], 0x40, 0xfe)
				    ? charset_gb[c - 0x81][s[1] - 0x40]
				    : 0,
			s[1], code);
	if (len < 4)
		return 0;
	if (!in(s[2], 0x81, 0xfe) || !in(s[3], 0x30, 0x39))
		return bad(code);
	*code = gb_four(((c - 0x81u) * 10 + (s[1] - 0x30u)) * 1260 +
			(s[2] - 0x81u) * 10 + (s[3] - 0x30u));
	return 4;
}

size_t
charset_next_big5(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	unsigned char const c = s[0];

	(void)d;
	*code = c;
	if (c < 0x80)
		return 1;
	if (!in(c, 0x81, 0xfe))
		return bad(code);
	if (len < 2)
		return 0;
	return pair(
		in(s[1], 0x40, 0xfe) ? charset_big5[c - 0x81][s[1] - 0x40] : 0,
		s[1], code);
}

size_t
charset_next_kr(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	unsigned char const c = s[0];

	(void)d;
	*code = c;
	if (c < 0x80)
		return 1;
	if (!in(c, 0x81, 0xfe))
		return bad(code);
	if (len < 2)
		return 0;
	return pair(
		in(s[1], 0x40, 0xfe) ? charset_kr[c - 0x81][s[1] - 0x40] : 0,
		s[1], code);
}

size_t
charset_next_sjis(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	unsigned char const c = s[0];

	(void)d;
	*code = c;
	if (c < 0x80)
		return 1;
	if (in(c, 0xa1, 0xdf)) {
		*code = 0xff61u + (c - 0xa1u);
		return 1;
	}
	if (!in(c, 0x81, 0x9f) && !in(c, 0xe0, 0xfc))
		return bad(code);
	if (len < 2)
		return 0;
	return pair(
		in(s[1], 0x40, 0xfc) ? charset_sjis[c - 0x81][s[1] - 0x40] : 0,
		s[1], code);
}

/* A pair of a 94 x 94 set, high bits set or not. */
static uint32_t
jis(uint16_t const table[CHARSET_JIS_ROWS][CHARSET_JIS_ROWS],
	unsigned char lead, unsigned char trail)
{
	unsigned int const row = (lead & 0x7fu) - 0x21u;
	unsigned int const cell = (trail & 0x7fu) - 0x21u;

	return row < CHARSET_JIS_ROWS && cell < CHARSET_JIS_ROWS
		       ? table[row][cell]
		       : 0;
}

size_t
charset_next_eucjp(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code)
{
	unsigned char const c = s[0];

	(void)d;
	*code = c;
	if (c < 0x80)
		return 1;
	if (c != 0x8e && c != 0x8f && !in(c, 0xa1, 0xfe))
		return bad(code);
	if (len < 2)
		return 0;
	if (s[1] < 0xa1)
		return bad(code);
	if (c == 0x8e)
		return pair(s[1] <= 0xdf ? 0xff61u + (s[1] - 0xa1u) : 0, s[1],
			code);
	if (c != 0x8f)
		return pair(jis(charset_jis0208, c, s[1]), s[1], code);
	if (len < 3)
		return 0;
	return s[2] < 0xa1
		       ? bad(code)
		       : 1 + pair(jis(charset_jis0212, s[1], s[2]), s[2], code);
}

/* RFC 1468, RFC 2237, and the kana of Windows. */
static size_t
designate_jp(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	if (len < 3)
		return 0;
	*code = CHARSET_NONE;
	if (s[1] == '(' && (s[2] == 'B' || s[2] == 'J' || s[2] == 'I')) {
		d->mode = s[2] == 'I' ? JP_KANA : JP_ASCII;
		return 3;
	}
	if (s[1] == '$' && (s[2] == '@' || s[2] == 'B')) {
		d->mode = JP_0208;
		return 3;
	}
	if (s[1] == '$' && s[2] == '(') {
		if (len < 4)
			return 0;
		if (s[3] == 'D' || s[3] == '@' || s[3] == 'B') {
			d->mode = s[3] == 'D' ? JP_0212 : JP_0208;
			return 4;
		}
	}
	return bad(code);
}

size_t
charset_next_iso2022jp(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code)
{
	unsigned char const c = s[0];

	*code = c;
	if (c == ESC)
		return designate_jp(d, s, len, code);
	if (in(c, 0xa1, 0xdf) || (d->mode == JP_KANA && in(c, 0x21, 0x5f))) {
		*code = 0xff61u + ((c & 0x7fu) - 0x21u);
		return 1;
	}
	if (c >= 0x80)
		return bad(code);
	/* Each line ends in ASCII: a shift that was lost ends there too. */
	if (c == '\n')
		d->mode = JP_ASCII;
	if (d->mode < JP_0208 || c <= ' ')
		return 1;
	if (len < 2)
		return 0;
	return s[1] <= ' ' ? bad(code)
			   : pair(d->mode == JP_0212
					     ? jis(charset_jis0212, c, s[1])
					     : jis(charset_jis0208, c, s[1]),
				     s[1] | 0x80, code);
}

/* A pair of the upper right quarter of a two-octet set, high bits set or not.
 */
static uint32_t
quarter(uint16_t const table[][CHARSET_GB_TRAILS], unsigned char lead,
	unsigned char trail)
{
	unsigned int const l = lead | 0x80u, t = trail | 0x80u;

	return in(l, 0xa1, 0xfe) && in(t, 0xa1, 0xfe)
		       ? table[l - 0x81][t - 0x40]
		       : 0;
}

/* RFC 1557 */
size_t
charset_next_iso2022kr(struct charset_decoder *d, unsigned char const *s,
	size_t len, uint32_t *code)
{
	unsigned char const c = s[0];

	*code = CHARSET_NONE;
	if (c == ESC) {
		if (len < 4)
			return 0;
		return s[1] == '$' && s[2] == ')' && s[3] == 'C' ? 4
								 : bad(code);
	}
	if (c == SO || c == SI) {
		d->mode = c == SO ? SHIFTED_OUT : 0;
		return 1;
	}
	if (c == '\n')
		d->mode = 0;
	*code = c < 0x80 ? c : CHARSET_REPLACEMENT;
	if (d->mode != SHIFTED_OUT || c <= ' ')
		return 1;
	if (len < 2)
		return 0;
	return s[1] <= ' '
		       ? bad(code)
		       : pair(quarter(charset_kr, c, s[1]), s[1] | 0x80, code);
}

/* RFC 1843 */
size_t
charset_next_hz(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	unsigned char const c = s[0];

	*code = c < 0x80 ? c : CHARSET_REPLACEMENT;
	if (c == '\n')
		d->mode = 0;
	if (c != '~' && (d->mode != SHIFTED_OUT || c <= ' '))
		return 1;
	if (len < 2)
		return 0;
	if (c == '~') {
		if (s[1] == '~')
			return 2;
		if (s[1] == '{' || s[1] == '}' || s[1] == '\n') {
			d->mode = s[1] == '{' ? SHIFTED_OUT : 0;
			*code = CHARSET_NONE;
			return 2;
		}
		if (d->mode != SHIFTED_OUT)
			return 1;
	}
	return s[1] <= ' '
		       ? bad(code)
		       : pair(quarter(charset_gb, c, s[1]), s[1] | 0x80, code);
}
