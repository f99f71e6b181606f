/* Encoded characters; see encoded.h. */
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include "common/utf8.h"
#include "local/sieve/encoded.h"

#define HEX_DIGITS_MAX 8

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Numbers up to the brace at *pos, which moves behind it. out may be NULL. 1
 * decoded, 0 malformed, -1 no character. */
static int
decode(char const *s, size_t len, size_t *pos, bool unicode, char *out,
	size_t *out_len)
{
	size_t at = *pos;
	bool bad = false;

	*out_len = 0;
	for (unsigned count = 0;; count++) {
		uint32_t value = 0;
		size_t digits = 0, used = 1;
		char octets[4];

		while (at < len && is_blank(s[at]))
			at++;
		if (at < len && s[at] == '}' && count > 0)
			break;
		for (; at < len && digit(s[at]) >= 0; at++, digits++)
			if (digits < HEX_DIGITS_MAX)
				value = value << 4 | (uint32_t)digit(s[at]);
		if (digits == 0 || (!unicode && digits > 2))
			return 0;
		octets[0] = (char)value;
		if (unicode)
			used = digits <= HEX_DIGITS_MAX ? utf8_put(octets, value)
							: 0;
		bad = bad || used == 0;
		if (out != NULL)
			memcpy(out + *out_len, octets, used);
		*out_len += used;
		if (at == len || (!is_blank(s[at]) && s[at] != '}'))
			return 0;
	}
	*pos = at + 1;
	return bad ? -1 : 1;
}

/* Whether one starts at s; its kind, and where its numbers start. */
static bool
starts(char const *s, size_t len, bool *unicode, size_t *skip)
{
	*unicode = len > 10 && strncasecmp(s, "${unicode:", 10) == 0;
	*skip = *unicode ? 10 : 6;
	return *unicode || (len > 6 && strncasecmp(s, "${hex:", 6) == 0);
}

bool
sieve_encoded_decode(char *s, size_t *len)
{
	size_t from = 0, to = 0;

	while (from < *len) {
		size_t pos, skip, used;
		bool unicode;
		int r = 0;

		if (starts(s + from, *len - from, &unicode, &skip)) {
			pos = from + skip;
			r = decode(s, *len, &pos, unicode, NULL, &used);
		}
		if (r < 0)
			return false;
		if (r == 0) {
			s[to++] = s[from++];
			continue;
		}
		/* What is written never passes what is read: no number stands
		 * for more octets than it has digits. */
		pos = from + skip;
		(void)decode(s, *len, &pos, unicode, s + to, &used);
		from = pos;
		to += used;
	}
	*len = to;
	return true;
}
