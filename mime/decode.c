/* Decodes base64, quoted-printable and uuencode; see decode.h. */
#include <string.h>

#include "mime/decode.h"

void
decode_init(struct decode *d, enum structure_encoding encoding)
{
	d->encoding = encoding;
	d->bits = 0;
	d->bits_count = 0;
	d->held_len = 0;
	d->uu_state = 0;
	d->uu_left = 0;
}

/* Of an octet: its six bits, or OTHER, or PADDING. */
#define OTHER 64
#define PADDING 65

#define O4 OTHER, OTHER, OTHER, OTHER
#define O16 O4, O4, O4, O4

static uint8_t const base64[256] = {O16, O16, O4, O4, OTHER, OTHER, OTHER, 62,
	OTHER, OTHER, OTHER, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, OTHER,
	OTHER, OTHER, PADDING, OTHER, OTHER, OTHER, 0, 1, 2, 3, 4, 5, 6, 7, 8,
	9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
	OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, 26, 27, 28, 29, 30, 31, 32,
	33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
	51, OTHER, OTHER, OTHER, OTHER, OTHER, O16, O16, O16, O16, O16, O16,
	O16, O16};

/* What padding completes: count letters, 0 to 3, are count - 1 octets. */
static size_t
end_quantum(uint32_t bits, unsigned int count, char *out)
{
	if (count < 2)
		return 0;
	bits <<= 6 * (4 - count);
	out[0] = (char)(bits >> 16 & 0xff);
	if (count == 3)
		out[1] = (char)(bits >> 8 & 0xff);
	return count - 1;
}

/* One octet, that is in the way of whole quanta or starts or ends one. */
static size_t
push_letter(struct decode *d, unsigned char c, char *out)
{
	uint8_t const value = base64[c];
	size_t n;

	if (value == OTHER)
		return 0;
	if (value == PADDING) {
		n = end_quantum(d->bits, d->bits_count, out);
		d->bits = d->bits_count = 0;
		return n;
	}
	d->bits = d->bits << 6 | value;
	if (++d->bits_count < 4)
		return 0;
	out[0] = (char)(d->bits >> 16 & 0xff);
	out[1] = (char)(d->bits >> 8 & 0xff);
	out[2] = (char)(d->bits & 0xff);
	d->bits = d->bits_count = 0;
	return 3;
}

static size_t
push_base64(struct decode *d, char const *text, size_t len, char *out)
{
	unsigned char const *s = (unsigned char const *)text;
	size_t n = 0, i = 0;

	while (i < len) {
		while (d->bits_count == 0 && len - i >= 4) {
			uint32_t const a = base64[s[i]], b = base64[s[i + 1]],
				       c = base64[s[i + 2]],
				       e = base64[s[i + 3]];
			uint32_t const bits = a << 18 | b << 12 | c << 6 | e;

			if ((a | b | c | e) >= OTHER)
				break;
			out[n] = (char)(bits >> 16 & 0xff);
			out[n + 1] = (char)(bits >> 8 & 0xff);
			out[n + 2] = (char)(bits & 0xff);
			n += 3;
			i += 4;
		}
		if (i < len)
			n += push_letter(d, s[i++], out + n);
	}
	return n;
}

enum { UU_OUTSIDE, UU_LINE, UU_LETTERS, UU_REST };

/* "begin " has been seen when that many octets of a line are held. */
#define UU_BEGIN "begin "
#define UU_BEGIN_LEN 6

static void
look_for_begin(struct decode *d, char c)
{
	if (d->held_len < UU_BEGIN_LEN) {
		d->held[d->held_len++] = c;
		return;
	}
	/* No such line: nothing that follows in it makes it one. */
	if (memcmp(d->held, UU_BEGIN, UU_BEGIN_LEN) != 0)
		d->held[0] = '\0';
}

static void
start_uu_line(struct decode *d, char c)
{
	bool const letter = c >= ' ' && c <= '`';

	d->uu_left = letter ? (unsigned int)(c - ' ') & 63u : 0;
	d->bits = d->bits_count = 0;
	if (d->uu_left > 0)
		d->uu_state = UU_LETTERS;
	else
		d->uu_state = letter || c == '\r' ? UU_REST : UU_OUTSIDE;
}

static size_t
push_uu_letter(struct decode *d, char c, char *out)
{
	size_t n = 0;

	d->bits = d->bits << 6 | ((uint32_t)(c - ' ') & 63u);
	if (++d->bits_count < 4)
		return 0;
	for (int shift = 16; shift >= 0 && d->uu_left > 0; shift -= 8) {
		out[n++] = (char)(d->bits >> shift & 0xff);
		d->uu_left--;
	}
	d->bits = d->bits_count = 0;
	if (d->uu_left == 0)
		d->uu_state = UU_REST;
	return n;
}

/*
 * uuencode (POSIX): behind "begin 644 name" a line is its length in octets and
 * groups of four letters; what is no such line ends it. A group that is not
 * whole has no octets, whatever the length says.
 */
static size_t
push_uu(struct decode *d, char c, char *out)
{
	if (c == '\n') {
		if (d->uu_state != UU_OUTSIDE ||
			(d->held_len == UU_BEGIN_LEN &&
				memcmp(d->held, UU_BEGIN, UU_BEGIN_LEN) == 0))
			d->uu_state = UU_LINE;
		d->held_len = 0;
	} else if (d->uu_state == UU_OUTSIDE) {
		look_for_begin(d, c);
	} else if (d->uu_state == UU_LINE) {
		start_uu_line(d, c);
	} else if (d->uu_state == UU_LETTERS) {
		if (c >= ' ' && c <= '`')
			return push_uu_letter(d, c, out);
		d->uu_state = UU_REST;
	}
	return 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t
release(struct decode *d, char *out)
{
	size_t const n = d->held_len;

	memcpy(out, d->held, n);
	d->held_len = 0;
	return n;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/*
 * What is held is either blanks, whose fate the next octet decides, or '=' and
 * what followed it so far: one hex digit, or blanks before a soft line end.
 */
static size_t
end_line(struct decode *d, char *out)
{
	bool const soft = d->held_len > 0 && d->held[0] == '=';
	bool const cr = d->held_len > 0 && d->held[d->held_len - 1] == '\r';
	size_t n = 0;

	if (soft && d->held_len > 1 && !is_blank(d->held[1])) {
		n = release(d, out);
		out[n++] = '\n';
		return n;
	}
	d->held_len = 0;
	if (soft)
		return 0;
	if (cr)
		out[n++] = '\r';
	out[n++] = '\n';
	return n;
}

static void
hold(struct decode *d, char c)
{
	d->held[d->held_len++] = c;
}

/* Returns what it wrote; at most the held octets and one more. */
static size_t
push_quoted(struct decode *d, char c, char *out)
{
	size_t n = 0;

	if (c == '\n')
		return end_line(d, out);
	if (d->held_len > 0 && d->held[0] == '=') {
		bool const hex = hex_value(c) >= 0;

		if (d->held_len == 1 && hex) {
			hold(d, c);
			return 0;
		}
		if (d->held_len == 2 && hex && hex_value(d->held[1]) >= 0) {
			out[0] = (char)(hex_value(d->held[1]) << 4 |
					hex_value(c));
			d->held_len = 0;
			return 1;
		}
		if (is_blank(c) && (d->held_len == 1 || is_blank(d->held[1])) &&
			d->held_len < DECODE_HELD_MAX) {
			hold(d, c);
			return 0;
		}
		n = release(d, out);
	}
	if (d->held_len == DECODE_HELD_MAX)
		n += release(d, out + n);
	if (is_blank(c)) {
		hold(d, c);
		return n;
	}
	n += release(d, out + n);
	if (c == '=')
		hold(d, c);
	else
		out[n++] = c;
	return n;
}

/* Octets from s that stand for themselves, whatever follows. */
static size_t
plain_run(char const *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] != '=' && s[n] != '\n' && !is_blank(s[n]))
		n++;
	return n;
}

size_t
decode_push(struct decode *d, char const *s, size_t len, char *out)
{
	size_t n = 0;

	switch (d->encoding) {
	case STRUCTURE_BASE64:
		return push_base64(d, s, len, out);
	case STRUCTURE_QUOTED_PRINTABLE:
		for (size_t i = 0; i < len;) {
			size_t const plain = d->held_len == 0
						     ? plain_run(s + i, len - i)
						     : 0;

			memcpy(out + n, s + i, plain);
			n += plain;
			i += plain;
			if (i < len)
				n += push_quoted(d, s[i++], out + n);
		}
		return n;
	case STRUCTURE_UUENCODE:
		for (size_t i = 0; i < len; i++)
			n += push_uu(d, s[i], out + n);
		return n;
	case STRUCTURE_IDENTITY:
	case STRUCTURE_UNKNOWN_ENCODING:
		break;
	}
	if (len > 0)
		memcpy(out, s, len);
	return len;
}

size_t
decode_finish(struct decode *d, char *out)
{
	size_t n = 0;

	if (d->encoding == STRUCTURE_UUENCODE)
		d->held_len = 0;
	/* Blanks at the very end are at a line's end; so is a lone '='. */
	if (d->held_len > 1 && d->held[0] == '=' && !is_blank(d->held[1]))
		n = release(d, out);
	decode_init(d, d->encoding);
	return n;
}
