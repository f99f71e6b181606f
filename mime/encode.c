/* Writes transfer encodings and encoded words; see encode.h. */
#include <string.h>

#include "mime/encode.h"

/* Octets of text in an encoded word: 75 less "=?utf-8?Q?" and "?=". */
#define WORD_MAX (75 - 12)

/* Longest name in quotes: it cannot be folded, and may grow twofold. */
#define QUOTED_MAX 200

static char const hex[] = "0123456789ABCDEF";

static bool
is_8bit_or_control(unsigned char c)
{
	return c >= 0x7f || (c < ' ' && c != '\t' && c != '\n');
}

enum encode_text
encode_choose(char const *s, size_t len)
{
	size_t line = 0, odd = 0;
	bool plain = true;

	for (size_t i = 0; i < len; i++) {
		/* mbox writers would put '>' before it. */
		if (line == 0 && len - i >= 5 && memcmp(s + i, "From ", 5) == 0)
			plain = false;
		odd += is_8bit_or_control((unsigned char)s[i]) || s[i] == '=';
		if (is_8bit_or_control((unsigned char)s[i]))
			plain = false;
		line = s[i] == '\n' ? 0 : line + 1;
		if (line > ENCODE_LINE_MAX)
			plain = false;
	}
	if (plain)
		return ENCODE_7BIT;
	/* Each odd octet costs two more, base64 a third of all; but what is
	   mostly ASCII, or short, stays readable as it is sent. */
	return len > 300 && odd > len / 4 ? ENCODE_BASE64 : ENCODE_QUOTED;
}

char const *
encode_name(enum encode_text e)
{
	switch (e) {
	case ENCODE_7BIT:
		break;
	case ENCODE_QUOTED:
		return "quoted-printable";
	case ENCODE_BASE64:
		return "base64";
	}
	return "7bit";
}

/* Three octets, or the last one or two, padded. */
static void
base64_group(unsigned char const *s, size_t n, char out[4])
{
	static char const digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
				     "pqrstuvwxyz0123456789+/";
	unsigned const bits =
		s[0] * 65536u + (n > 1 ? s[1] * 256u : 0) + (n > 2 ? s[2] : 0);

	out[0] = digits[bits >> 18];
	out[1] = digits[bits >> 12 & 63];
	out[2] = n > 1 ? digits[bits >> 6 & 63] : '=';
	out[3] = n > 2 ? digits[bits & 63] : '=';
}

bool
encode_base64(stralloc *out, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i += 3) {
		char group[5];

		base64_group((unsigned char const *)s + i,
			len - i < 3 ? len - i : 3, group);
		group[4] = '\n';
		if (!stralloc_catb(
			    out, group, i % 57 == 54 || len - i <= 3 ? 5 : 4))
			return false;
	}
	return true;
}

static bool
put_hex(stralloc *out, char mark, unsigned char c)
{
	char const s[3] = {mark, hex[c >> 4], hex[c & 15]};

	return stralloc_catb(out, s, 3);
}

/* Must s[i] be written as =XX? RFC 2045, 6.7. */
static bool
is_quoted(char const *s, size_t len, size_t i, size_t column)
{
	if (s[i] == ' ' || s[i] == '\t')
		return i + 1 == len || s[i + 1] == '\n';
	/* Neither mbox nor SMTP shall find anything to change. */
	if (column == 0 && (s[i] == '.' || s[i] == 'F'))
		return true;
	return s[i] == '=' || is_8bit_or_control((unsigned char)s[i]);
}

static bool
put_quoted(stralloc *out, char const *s, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i++) {
		bool quoted = false;

		if (s[i] != '\n') {
			quoted = is_quoted(s, len, i, column);
			/* '=' of a soft line end must have room. */
			if (column + (quoted ? 3 : 1) > ENCODE_LINE - 1) {
				if (!stralloc_cats(out, "=\n"))
					return false;
				column = 0;
				quoted = is_quoted(s, len, i, column);
			}
		}
		if (!(quoted ? put_hex(out, '=', (unsigned char)s[i])
			     : stralloc_catb(out, s + i, 1)))
			return false;
		column = s[i] == '\n' ? 0 : column + (quoted ? 3 : 1);
	}
	return true;
}

static bool
put_base64_text(stralloc *out, char const *s, size_t len)
{
	stralloc crlf = STRALLOC_ZERO;
	bool ok = true;

	for (size_t i = 0; ok && i < len; i++)
		ok = s[i] == '\n' ? stralloc_catb(&crlf, "\r\n", 2)
				  : stralloc_catb(&crlf, s + i, 1);
	ok = ok && encode_base64(out, crlf.s, crlf.len);
	stralloc_free(&crlf);
	return ok;
}

bool
encode_text(stralloc *out, enum encode_text e, char const *s, size_t len)
{
	bool ok = true;

	switch (e) {
	case ENCODE_7BIT:
		ok = stralloc_catb(out, s, len);
		break;
	case ENCODE_QUOTED:
		ok = put_quoted(out, s, len);
		break;
	case ENCODE_BASE64:
		ok = put_base64_text(out, s, len);
		break;
	}
	if (!ok || out->len == 0 || out->s[out->len - 1] == '\n')
		return ok;
	return stralloc_cats(out, "\n");
}

/* What stands for itself in a Q word everywhere (RFC 2047, 5, (3)). */
static bool
is_q_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '!' || c == '*' || c == '+' ||
	       c == '-' || c == '/';
}

static size_t
q_len(char const *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += is_q_plain((unsigned char)s[i]) || s[i] == ' ' ? 1 : 3;
	return n;
}

static size_t
character(char const *s, size_t len)
{
	size_t n = 1;

	while (n < len && ((unsigned char)s[n] & 0xc0) == 0x80 && n < 4)
		n++;
	return n;
}

static bool
put_word(stralloc *out, char const *s, size_t len, bool q)
{
	if (!stralloc_cats(out, q ? "=?utf-8?Q?" : "=?utf-8?B?"))
		return false;
	for (size_t i = 0; !q && i < len; i += 3) {
		char group[4];

		base64_group((unsigned char const *)s + i,
			len - i < 3 ? len - i : 3, group);
		if (!stralloc_catb(out, group, 4))
			return false;
	}
	for (size_t i = 0; q && i < len; i++)
		if (!(s[i] == ' ' ? stralloc_catb(out, "_", 1)
			    : is_q_plain((unsigned char)s[i])
				    ? stralloc_catb(out, s + i, 1)
				    : put_hex(out, '=', (unsigned char)s[i])))
			return false;
	return stralloc_cats(out, "?=");
}

/* Octets of s in whole characters whose encoded form has room for `room`. */
static size_t
fitting(char const *s, size_t len, size_t room, bool q)
{
	size_t n = 0;

	while (n < len) {
		size_t const next = n + character(s + n, len - n);

		if ((q ? q_len(s, next) : (next + 2) / 3 * 4) > room)
			break;
		n = next;
	}
	return n;
}

/* A run of text as encoded words. The line may be anywhere. */
static bool
put_words(stralloc *out, char const *s, size_t len, size_t *column)
{
	/* Q stays readable for those who see it undecoded. */
	bool const q = q_len(s, len) <= (len + 2) / 3 * 6;

	while (len > 0) {
		size_t const used = *column + 12;
		size_t room = used < ENCODE_LINE ? ENCODE_LINE - used : 0;
		size_t n =
			fitting(s, len, room < WORD_MAX ? room : WORD_MAX, q);

		/* A character of four octets takes twelve: never stuck on a
		   fresh line. */
		if (n > 0) {
			size_t const before = out->len;

			if (!put_word(out, s, n, q))
				return false;
			*column += out->len - before;
			s += n;
			len -= n;
		}
		if (len > 0) {
			if (!stralloc_cats(out, "\n "))
				return false;
			*column = 1;
		}
	}
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The word at s + pos with the blanks before it. */
static size_t
word_end(char const *s, size_t len, size_t pos, size_t *start_r)
{
	while (pos < len && is_blank(s[pos]))
		pos++;
	*start_r = pos;
	while (pos < len && !is_blank(s[pos]))
		pos++;
	return pos;
}

static bool
needs_encoding(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x7f || (unsigned char)s[i] < ' ')
			return true;
	return len > ENCODE_LINE_MAX - ENCODE_LINE ||
	       memmem(s, len, "=?", 2) != NULL;
}

/* The blanks before a word of n octets, with a line end if it needs one. */
static bool
put_blanks(stralloc *out, char const *s, size_t len, size_t n, size_t *column)
{
	if (len > 0 && *column + len + n > ENCODE_LINE) {
		if (!stralloc_cats(out, "\n"))
			return false;
		*column = 0;
	}
	*column += len;
	return stralloc_catb(out, s, len);
}

static bool
put_plain(stralloc *out, char const *s, size_t len, size_t *column)
{
	for (size_t pos = 0; pos < len;) {
		size_t start;
		size_t const end = word_end(s, len, pos, &start);

		if (!put_blanks(
			    out, s + pos, start - pos, end - start, column) ||
			!stralloc_catb(out, s + start, end - start))
			return false;
		*column += end - start;
		pos = end;
	}
	return true;
}

bool
encode_words(stralloc *out, char const *s, size_t len, size_t *column)
{
	size_t first = len, last = 0, blanks = 0, start;

	/* From the first word that needs it to the last: the blanks between
	   encoded words do not count, so they must be in them. */
	for (size_t pos = 0; pos < len;) {
		size_t const end = word_end(s, len, pos, &start);

		if (needs_encoding(s + start, end - start)) {
			if (first == len) {
				first = start;
				blanks = start - pos;
			}
			last = end;
		}
		pos = end;
	}
	if (first == len)
		return put_plain(out, s, len, column);
	return put_plain(out, s, first - blanks, column) &&
	       put_blanks(out, s + first - blanks, blanks, 30, column) &&
	       put_words(out, s + first, last - first, column) &&
	       put_plain(out, s + last, len - last, column);
}

bool
encode_quoted_string(stralloc *out, char const *s, size_t len)
{
	if (!stralloc_cats(out, "\""))
		return false;
	for (size_t i = 0; i < len; i++)
		if (((s[i] == '"' || s[i] == '\\') &&
			    !stralloc_cats(out, "\\")) ||
			!stralloc_catb(out, s + i, 1))
			return false;
	return stralloc_cats(out, "\"");
}

/* Atoms and single blanks between them. */
static bool
is_atoms(char const *s, size_t len)
{
	bool blank = true;

	for (size_t i = 0; i < len; i++) {
		unsigned char const c = (unsigned char)s[i];

		if (c == ' ' ? blank
			     : c < ' ' || strchr("()<>[]:;@\\,.\"", s[i]))
			return false;
		blank = c == ' ';
	}
	return !blank;
}

bool
encode_phrase(stralloc *out, char const *s, size_t len, size_t *column)
{
	size_t const before = out->len;

	/* All of it: a quoted string beside encoded words confuses many. */
	if (needs_encoding(s, len) || (len > QUOTED_MAX && !is_atoms(s, len)))
		return put_words(out, s, len, column);
	if (is_atoms(s, len))
		return put_plain(out, s, len, column);
	if (!encode_quoted_string(out, s, len))
		return false;
	*column += out->len - before;
	return true;
}

/* RFC 2231, 7: attribute-char */
static bool
is_attribute(unsigned char c)
{
	return is_q_plain(c) ? c != '*' && c != '/' : c == '.' || c == '_';
}

static bool
put_section(stralloc *out, char const *name, size_t number, bool only)
{
	char digits[24];
	size_t i = sizeof digits;
	size_t const start = number;

	do {
		digits[--i] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return stralloc_cats(out, ";\n ") && stralloc_cats(out, name) &&
	       stralloc_cats(out, "*") &&
	       (only || (stralloc_catb(out, digits + i, sizeof digits - i) &&
				stralloc_cats(out, "*"))) &&
	       stralloc_cats(out, start == 0 ? "=utf-8''" : "=");
}

bool
encode_parameter(stralloc *out, char const *name, char const *s, size_t len)
{
	size_t number = 0, used = 0;

	if (len <= 60 && !needs_encoding(s, len))
		return stralloc_cats(out, ";\n ") && stralloc_cats(out, name) &&
		       stralloc_cats(out, "=") &&
		       encode_quoted_string(out, s, len);
	if (!put_section(out, name, number++, len <= 16))
		return false;
	for (size_t i = 0; i < len; i++) {
		bool const plain = is_attribute((unsigned char)s[i]);

		if (used > 45) {
			if (!put_section(out, name, number++, false))
				return false;
			used = 0;
		}
		if (!(plain ? stralloc_catb(out, s + i, 1)
			    : put_hex(out, '%', (unsigned char)s[i])))
			return false;
		used += plain ? 1 : 3;
	}
	return true;
}
