/* Character sets to UTF-8; see charset.h. East Asian: charset_east.c. */
#include <string.h>

#include "common/utf8.h"
#include "mime/charset.h"
#include "mime/charset_east.h"
#include "mime/charset_tables.h"

/* Octets decoded at a time. */
#define PIECE 1024

/* Longest name known, folded. */
#define NAME_MAX_FOLDED 32

struct charset {
	char const *names; /* folded, a blank around each */
	charset_next next;
	unsigned int mode; /* at the start */
	bool ascii; /* octets below 128 mean themselves, whatever the state */
};

enum { UTF16_DETECT, UTF16_BIG, UTF16_LITTLE };

enum {
	UTF7_DIRECT,
	UTF7_OPENED, /* just behind '+' */
	UTF7_BASE64
};

static size_t
next_utf8(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	unsigned char const c = s[0];
	unsigned char low = 0x80, high = 0xbf;
	size_t need;

	(void)d;
	*code = CHARSET_REPLACEMENT;
	if (c < 0x80) {
		*code = c;
		return 1;
	}
	if (c < 0xc2 || c > 0xf4)
		return 1;
	need = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	/* RFC 3629, 4: no overlong forms, surrogates or beyond U+10FFFF. */
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;

	uint32_t value = c & (0x7fu >> need);

	for (size_t i = 1; i < need; i++) {
		if (i == len)
			return 0;
		if (s[i] < low || s[i] > high)
			return i;
		value = value << 6 | (s[i] & 0x3fu);
		low = 0x80;
		high = 0xbf;
	}
	*code = value;
	return need;
}

static size_t
next_single(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	(void)len;
	*code = s[0] < 0x80 ? s[0] : d->codes[s[0] - 0x80];
	if (*code == 0 && s[0] != 0)
		*code = CHARSET_REPLACEMENT;
	return 1;
}

static uint32_t
unit16(struct charset_decoder const *d, unsigned char const *s)
{
	return d->mode == UTF16_LITTLE ? (uint32_t)(s[0] | s[1] << 8)
				       : (uint32_t)(s[0] << 8 | s[1]);
}

static size_t
next_utf16(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	if (len < 2)
		return 0;
	if (d->mode == UTF16_DETECT) {
		/* RFC 2781, 4.3: big-endian unless a mark says otherwise. */
		d->mode = UTF16_BIG;
		if (unit16(d, s) == 0xfffe)
			d->mode = UTF16_LITTLE;
		if (unit16(d, s) == 0xfeff) {
			*code = CHARSET_NONE;
			return 2;
		}
	}
	*code = unit16(d, s);
	if (*code < 0xd800 || *code > 0xdfff)
		return 2;
	if (*code < 0xdc00) {
		if (len < 4)
			return 0;

		uint32_t const low = unit16(d, s + 2);

		if (low >= 0xdc00 && low <= 0xdfff) {
			*code = 0x10000 + ((*code - 0xd800) << 10) +
				(low - 0xdc00);
			return 4;
		}
	}
	*code = CHARSET_REPLACEMENT;
	return 2;
}

static size_t
next_utf32(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	if (len < 4)
		return 0;

	bool const first = d->mode == UTF16_DETECT;

	if (first)
		d->mode =
			s[0] == 0xff && s[1] == 0xfe ? UTF16_LITTLE : UTF16_BIG;
	*code = d->mode == UTF16_LITTLE ? unit16(d, s) | unit16(d, s + 2) << 16
					: unit16(d, s) << 16 | unit16(d, s + 2);
	if (first && *code == 0xfeff)
		*code = CHARSET_NONE;
	else if (*code > 0x10ffff)
		*code = CHARSET_REPLACEMENT;
	return 4;
}

static int
base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* One UTF-16 unit out of UTF-7's bits; a high surrogate waits for its low. */
static uint32_t
utf7_unit(struct charset_decoder *d, uint32_t unit)
{
	uint32_t const high = d->surrogate;

	d->surrogate = 0;
	if (unit >= 0xd800 && unit < 0xdc00) {
		d->surrogate = unit;
		return high ? CHARSET_REPLACEMENT : CHARSET_NONE;
	}
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return high ? 0x10000 + ((high - 0xd800) << 10) +
				       (unit - 0xdc00)
			    : CHARSET_REPLACEMENT;
	return unit;
}

/* RFC 2152 */
static size_t
next_utf7(struct charset_decoder *d, unsigned char const *s, size_t len,
	uint32_t *code)
{
	unsigned char const c = s[0];
	int const value = base64_value(c);

	(void)len;
	*code = c < 0x80 ? c : CHARSET_REPLACEMENT;
	if (d->mode == UTF7_DIRECT) {
		if (c == '+') {
			d->mode = UTF7_OPENED;
			d->bits = d->bits_count = d->surrogate = 0;
			*code = CHARSET_NONE;
		}
	} else if (value >= 0) {
		d->mode = UTF7_BASE64;
		d->bits = (d->bits << 6 | (uint32_t)value) & 0xffffff;
		d->bits_count += 6;
		*code = CHARSET_NONE;
		if (d->bits_count >= 16) {
			d->bits_count -= 16;
			*code = utf7_unit(d, d->bits >> d->bits_count & 0xffff);
		}
	} else {
		if (c == '-')
			*code = d->mode == UTF7_OPENED ? '+' : CHARSET_NONE;
		d->mode = UTF7_DIRECT;
	}
	return 1;
}

static struct charset const charsets[] = {
	{" utf8 unicode11utf8 usascii ascii ansix341968 iso646us us 646 "
	 "csascii cp65001 unknown8bit 8bit default ",
		next_utf8, 0, true},
	{" gb18030 gbk gb2312 cp936 euccn xgbk csgb2312 gb231280 ms936 ",
		charset_next_gb, 0, true},
	{" big5 big5hkscs cp950 xxbig5 csbig5 cnbig5 ", charset_next_big5, 0,
		true},
	{" euckr ksc5601 ksc56011987 kscs56011987 ksc56011989 uhc cp949 "
	 "windows949 ksx1001 korean cseuckr ",
		charset_next_kr, 0, true},
	{" shiftjis sjis xsjis mskanji cp932 windows31j csshiftjis ",
		charset_next_sjis, 0, true},
	{" eucjp xeucjp eucjpms ujis cseucpkdfmtjapanese ", charset_next_eucjp,
		0, true},
	{" iso2022jp iso2022jp1 iso2022jp2 iso2022jpms cp50220 cp50221 "
	 "csiso2022jp ",
		charset_next_iso2022jp, 0, false},
	{" iso2022kr csiso2022kr ", charset_next_iso2022kr, 0, false},
	{" hzgb2312 hz ", charset_next_hz, 0, false},
	{" utf7 unicode11utf7 csunicode11utf7 ", next_utf7, UTF7_DIRECT, false},
	{" utf16 csutf16 ucs2 iso10646ucs2 ", next_utf16, UTF16_DETECT, false},
	{" utf16be ", next_utf16, UTF16_BIG, false},
	{" utf16le ", next_utf16, UTF16_LITTLE, false},
	{" utf32 ucs4 iso10646ucs4 ", next_utf32, UTF16_DETECT, false},
	{" utf32be ", next_utf32, UTF16_BIG, false},
	{" utf32le ", next_utf32, UTF16_LITTLE, false},
};

static struct charset const single = {NULL, next_single, 0, true};

/* " name " in lower case, letters and digits only; false if too long. */
static bool
fold_name(char const *name, size_t len, char *out)
{
	size_t n = 0;

	out[n++] = ' ';
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			continue;
		if (n > NAME_MAX_FOLDED)
			return false;
		out[n++] = c;
	}
	out[n++] = ' ';
	out[n] = '\0';
	return n > 2;
}

static struct charset const *
find(char const *name, size_t len, uint16_t const **codes_r)
{
	char folded[NAME_MAX_FOLDED + 3];

	*codes_r = NULL;
	if (!fold_name(name, len, folded))
		return NULL;
	for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++)
		if (strstr(charsets[i].names, folded))
			return &charsets[i];
	for (unsigned int i = 0; i < charset_singles_count; i++)
		if (strstr(charset_singles[i].names, folded)) {
			*codes_r = charset_singles[i].codes;
			return &single;
		}
	return NULL;
}

bool
charset_known(char const *name, size_t len)
{
	uint16_t const *codes;

	return find(name, len, &codes) != NULL;
}

void
charset_init(struct charset_decoder *d, char const *name, size_t len)
{
	*d = (struct charset_decoder){0};
	d->charset = find(name, len, &d->codes);
	if (!d->charset)
		d->charset = &charsets[0];
	d->mode = d->charset->mode;
}

/* At most 4 octets. */
static size_t
encode(char *s, uint32_t code)
{
	size_t const n = utf8_put(s, code);

	return n > 0 ? n : utf8_put(s, CHARSET_REPLACEMENT);
}

bool
charset_put(stralloc *out, uint32_t code)
{
	char s[4];

	return stralloc_catb(out, s, encode(s, code));
}

/* Finishes what waited with as many octets of s as it takes; eaten_r: those. */
static bool
push_pending(struct charset_decoder *d, unsigned char const *s, size_t len,
	stralloc *out, size_t *eaten_r)
{
	size_t i = 0;

	while (d->pending_len > 0) {
		uint32_t code;
		size_t const n =
			d->charset->next(d, d->pending, d->pending_len, &code);

		if (n == 0) {
			if (i == len)
				break;
			d->pending[d->pending_len++] = s[i++];
			continue;
		}
		if (code != CHARSET_NONE && !charset_put(out, code))
			return false;
		d->pending_len -= n;
		memmove(d->pending, d->pending + n, d->pending_len);
	}
	*eaten_r = i;
	return true;
}

static size_t
ascii_run(unsigned char const *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] < 0x80)
		n++;
	return n;
}

/* Each octet of input makes at most one code point. */
#define ROOM 4

/*
 * Decodes from u[0..len) until `most` octets are eaten; out has ROOM for each.
 * Returns what was eaten, less than `most` only when a sequence lacks its end.
 */
static size_t
push_some(struct charset_decoder *d, unsigned char const *u, size_t len,
	size_t most, stralloc *out)
{
	size_t i = 0;

	while (i < most) {
		uint32_t code;
		size_t n = d->charset->ascii ? ascii_run(u + i, most - i) : 0;

		if (n > 0) {
			memcpy(out->s + out->len, u + i, n);
			out->len += n;
			i += n;
			continue;
		}
		n = d->charset->next(d, u + i, len - i, &code);
		if (n == 0)
			break;
		if (code != CHARSET_NONE)
			out->len += encode(out->s + out->len, code);
		i += n;
	}
	return i;
}

bool
charset_push(
	struct charset_decoder *d, char const *s, size_t len, stralloc *out)
{
	unsigned char const *u = (unsigned char const *)s;
	size_t i = 0;

	if (!push_pending(d, u, len, out, &i))
		return false;
	while (i < len) {
		size_t const most = len - i < PIECE ? len - i : PIECE;
		size_t n;

		if (!stralloc_readyplus(out, ROOM * most))
			return false;
		n = push_some(d, u + i, len - i, most, out);
		i += n;
		if (n < most) {
			/* Fewer than 4 octets: no sequence is longer. */
			d->pending_len = len - i;
			memcpy(d->pending, u + i, len - i);
			break;
		}
	}
	return true;
}

bool
charset_finish(struct charset_decoder *d, stralloc *out)
{
	bool const waiting = d->pending_len > 0;

	d->pending_len = 0;
	d->mode = d->charset->mode;
	return !waiting || charset_put(out, CHARSET_REPLACEMENT);
}

bool
charset_to_utf8(char const *name, size_t name_len, char const *s, size_t len,
	stralloc *out)
{
	struct charset_decoder d;

	charset_init(&d, name, name_len);
	return charset_push(&d, s, len, out) && charset_finish(&d, out);
}
