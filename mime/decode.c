/* Decodes base64 and quoted-printable; see decode.h. */
#include <string.h>

#include "mime/decode.h"

void
decode_init(struct decode *d, enum structure_encoding encoding)
{
	d->encoding = encoding;
	d->bits = 0;
	d->bits_count = 0;
	d->held_len = 0;
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

static size_t
push_base64(struct decode *d, char const *s, size_t len, char *out)
{
	uint32_t bits = d->bits;
	unsigned int count = d->bits_count;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int const value = base64_value((unsigned char)s[i]);

		if (value < 0) {
			if (s[i] == '=')
				count = 0;
			continue;
		}
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[n++] = (char)(bits >> count & 0xff);
		}
	}
	d->bits = bits;
	d->bits_count = count;
	return n;
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

size_t
decode_push(struct decode *d, char const *s, size_t len, char *out)
{
	size_t n = 0;

	switch (d->encoding) {
	case STRUCTURE_BASE64:
		return push_base64(d, s, len, out);
	case STRUCTURE_QUOTED_PRINTABLE:
		for (size_t i = 0; i < len; i++)
			n += push_quoted(d, s[i], out + n);
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

	/* Blanks at the very end are at a line's end; so is a lone '='. */
	if (d->held_len > 1 && d->held[0] == '=' && !is_blank(d->held[1]))
		n = release(d, out);
	decode_init(d, d->encoding);
	return n;
}
