/* Decodes encoded words; see rfc2047.h. */
#include <string.h>
#include <strings.h>

#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/rfc2047.h"

/* Encoded text is decoded in pieces of this size. */
#define PIECE 256

struct word {
	char const *charset;
	size_t charset_len;
	char encoding; /* 'B' or 'Q' */
	char const *text;
	size_t text_len;
	size_t len; /* of all of it, "=?" to "?=" */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets from s up to a '?' without a blank or control on the way. */
static bool
span_to_mark(char const *s, size_t len, size_t *n_r)
{
	size_t n = 0;

	while (n < len && (unsigned char)s[n] > ' ' && s[n] != 0x7f &&
		s[n] != '?')
		n++;
	*n_r = n;
	return n < len && s[n] == '?';
}

/*
 * RFC 2047, 2. Longer than its 75 octets is tolerated: many writers do that.
 * Whatever fails, fails at the third '?' at the latest, so that looking again
 * behind the next "=?" stays linear.
 */
static bool
parse_word(char const *s, size_t len, struct word *word)
{
	size_t n, pos = 2;

	if (len < 8 || s[0] != '=' || s[1] != '?' ||
		!span_to_mark(s + pos, len - pos, &n) || n == 0)
		return false;
	word->charset = s + pos;
	word->charset_len = n;
	/* RFC 2231, 5: "charset*language" */
	char const *star = memchr(s + pos, '*', n);

	if (star)
		word->charset_len = (size_t)(star - word->charset);
	pos += n + 1;
	if (!span_to_mark(s + pos, len - pos, &n) || n != 1)
		return false;
	word->encoding = (char)(s[pos] & ~0x20);
	if (word->encoding != 'B' && word->encoding != 'Q')
		return false;
	pos += 2;
	if (!span_to_mark(s + pos, len - pos, &n) || pos + n + 1 >= len ||
		s[pos + n + 1] != '=')
		return false;
	word->text = s + pos;
	word->text_len = n;
	word->len = pos + n + 2;
	return true;
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

/* RFC 2047, 4.2 */
static size_t
decode_q(char const *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '=' && i + 2 < len && hex_value(s[i + 1]) >= 0 &&
			hex_value(s[i + 2]) >= 0) {
			out[n++] = (char)(hex_value(s[i + 1]) << 4 |
					  hex_value(s[i + 2]));
			i += 2;
		} else {
			out[n++] = s[i] == '_' ? ' ' : s[i];
		}
	}
	return n;
}

static bool
push_q(struct charset_decoder *d, struct word const *word, stralloc *out)
{
	char buf[PIECE];
	size_t pos = 0;

	while (pos < word->text_len) {
		size_t n = word->text_len - pos;

		if (n > PIECE) {
			/* Not to cut "=XX". */
			n = PIECE;
			if (word->text[pos + n - 1] == '=')
				n -= 1;
			else if (word->text[pos + n - 2] == '=')
				n -= 2;
		}
		if (!charset_push(
			    d, buf, decode_q(word->text + pos, n, buf), out))
			return false;
		pos += n;
	}
	return true;
}

static bool
push_b(struct charset_decoder *d, struct word const *word, stralloc *out)
{
	struct decode base64;
	char buf[DECODE_ROOM(PIECE)];
	size_t pos = 0;

	decode_init(&base64, STRUCTURE_BASE64);
	while (pos < word->text_len) {
		size_t const left = word->text_len - pos;
		size_t const n = left < PIECE ? left : PIECE;

		if (!charset_push(d, buf,
			    decode_push(&base64, word->text + pos, n, buf),
			    out))
			return false;
		pos += n;
	}
	/* Many words lack their padding. */
	return charset_push(d, buf, decode_push(&base64, "=", 1, buf), out);
}

static bool
same_kind(struct word const *a, struct word const *b)
{
	return a->charset_len == b->charset_len && a->encoding == b->encoding &&
	       strncasecmp(a->charset, b->charset, a->charset_len) == 0;
}

/* The blanks from s, and whether an encoded word follows them. */
static bool
word_after_blanks(
	char const *s, size_t len, size_t *blanks_r, struct word *word)
{
	size_t n = 0;

	while (n < len && is_blank(s[n]))
		n++;
	*blanks_r = n;
	return parse_word(s + n, len - n, word);
}

/* Decodes a run of encoded words; eaten_r: the octets they took. */
static bool
push_words(stralloc *out, char const *s, size_t len, struct word word,
	size_t *eaten_r)
{
	struct charset_decoder d;
	size_t pos = 0;

	charset_init(&d, word.charset, word.charset_len);
	for (;;) {
		struct word next;
		size_t blanks;

		if (!(word.encoding == 'B' ? push_b(&d, &word, out)
					   : push_q(&d, &word, out)))
			return false;
		pos += word.len;
		if (!word_after_blanks(s + pos, len - pos, &blanks, &next))
			break;
		pos += blanks;
		if (!same_kind(&word, &next)) {
			if (!charset_finish(&d, out))
				return false;
			charset_init(&d, next.charset, next.charset_len);
		}
		word = next;
	}
	*eaten_r = pos;
	return charset_finish(&d, out);
}

bool
rfc2047_decode(stralloc *out, char const *s, size_t len)
{
	size_t pos = 0, plain = 0;

	while (pos < len) {
		struct word word;
		size_t eaten;
		char const *mark = memchr(s + pos, '=', len - pos);

		if (!mark)
			break;
		pos = (size_t)(mark - s);
		if (!parse_word(s + pos, len - pos, &word)) {
			pos++;
			continue;
		}
		if (!charset_to_utf8("utf-8", 5, s + plain, pos - plain, out) ||
			!push_words(out, s + pos, len - pos, word, &eaten))
			return false;
		pos += eaten;
		plain = pos;
	}
	return charset_to_utf8("utf-8", 5, s + plain, len - plain, out);
}
