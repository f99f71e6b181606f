/* The words of a Sieve script; see lex.h. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "common/utf7.h"
#include "local/sieve/lex.h"

static void
fail(struct sieve_lex *l, char const *why)
{
	l->token = SIEVE_BAD;
	l->why = why;
	l->pos = l->text_len;
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_at(struct sieve_lex const *l, char c)
{
	return l->pos < l->text_len && l->text[l->pos] == c;
}

/* False: a comment does not end. */
static bool
skip_comment(struct sieve_lex *l)
{
	size_t i = l->pos + 2;

	for (; i + 1 < l->text_len; i++) {
		if (l->text[i] == '*' && l->text[i + 1] == '/') {
			l->pos = i + 2;
			return true;
		}
		l->line += l->text[i] == '\n';
	}
	fail(l, "a comment has no end");
	return false;
}

static void
skip_line(struct sieve_lex *l)
{
	while (l->pos < l->text_len && l->text[l->pos] != '\n')
		l->pos++;
}

/* False: there is something wrong. */
static bool
skip_blanks(struct sieve_lex *l)
{
	while (l->pos < l->text_len) {
		char const c = l->text[l->pos];

		if (c == '#') {
			skip_line(l);
		} else if (c == '/' && l->pos + 1 < l->text_len &&
			   l->text[l->pos + 1] == '*') {
			if (!skip_comment(l))
				return false;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			l->line += c == '\n';
			l->pos++;
		} else {
			return true;
		}
	}
	return true;
}

static void
take_word(struct sieve_lex *l)
{
	size_t const start = l->pos;

	while (l->pos < l->text_len &&
		(is_alpha(l->text[l->pos]) || is_digit(l->text[l->pos])))
		l->pos++;
	l->s = l->text + start;
	l->len = l->pos - start;
	l->token = SIEVE_WORD;
}

/* Digits, and K, M or G for powers of 1,024. */
static void
take_number(struct sieve_lex *l)
{
	static char const quantifiers[] = "kmg";
	uint64_t n = 0;
	char const *q;

	l->token = SIEVE_NUMBER;
	for (; l->pos < l->text_len && is_digit(l->text[l->pos]); l->pos++)
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(
				n, (uint64_t)(l->text[l->pos] - '0'), &n)) {
			fail(l, "the number is too large");
			return;
		}
	if (l->pos < l->text_len && is_alpha(l->text[l->pos])) {
		q = strchr(quantifiers, l->text[l->pos] | 0x20);
		if (q == NULL ||
			(l->pos + 1 < l->text_len &&
				(is_alpha(l->text[l->pos + 1]) ||
					is_digit(l->text[l->pos + 1])))) {
			fail(l, "a number is followed by a letter");
			return;
		}
		l->pos++;
		if (__builtin_mul_overflow(
			    n, UINT64_C(1) << 10 * (q - quantifiers + 1), &n)) {
			fail(l, "the number is too large");
			return;
		}
	}
	l->number = n;
}

static void
take_quoted(struct sieve_lex *l)
{
	size_t i = ++l->pos;

	for (; i < l->text_len && l->text[i] != '"'; i++) {
		l->lines_inside += l->text[i] == '\n';
		if (l->text[i] == '\\' && i + 1 < l->text_len)
			l->lines_inside += l->text[++i] == '\n';
	}
	if (i >= l->text_len) {
		fail(l, "a string has no end");
		return;
	}
	l->token = SIEVE_QUOTED;
	l->s = l->text + l->pos;
	l->len = i - l->pos;
	l->pos = i + 1;
}

/* Behind `text:`: blanks, perhaps a comment, and lines up to one of a dot. */
static void
take_lines(struct sieve_lex *l)
{
	size_t start, end;

	while (is_at(l, ' ') || is_at(l, '\t'))
		l->pos++;
	if (is_at(l, '#'))
		skip_line(l);
	if (is_at(l, '\r'))
		l->pos++;
	if (!is_at(l, '\n')) {
		fail(l, "text: is not followed by a line end");
		return;
	}
	start = ++l->pos;
	l->lines_inside++;
	for (;;) {
		char const *const lf = l->pos < l->text_len
					       ? memchr(l->text + l->pos, '\n',
							 l->text_len - l->pos)
					       : NULL;
		size_t n;

		if (lf == NULL && !is_at(l, '.')) {
			fail(l, "the lines of text: have no end");
			return;
		}
		end = lf != NULL ? (size_t)(lf - l->text) : l->text_len;
		n = end - l->pos;
		if (n > 0 && l->text[end - 1] == '\r')
			n--;
		if (n == 1 && l->text[l->pos] == '.')
			break;
		if (lf == NULL) {
			fail(l, "the lines of text: have no end");
			return;
		}
		l->lines_inside++;
		l->pos = end + 1;
	}
	l->token = SIEVE_LINES;
	l->s = l->text + start;
	l->len = l->pos - start;
	l->pos = end;
}

static void
take_mark(struct sieve_lex *l)
{
	l->token = SIEVE_MARK;
	l->s = l->text + l->pos;
	l->len = 1;
	if (memchr(";,()[]{}", *l->s, 8) == NULL) {
		fail(l, "a character has no meaning here");
		return;
	}
	l->pos++;
}

void
sieve_lex_next(struct sieve_lex *l)
{
	l->line += l->lines_inside;
	l->lines_inside = 0;
	if (l->token == SIEVE_BAD || !skip_blanks(l))
		return;
	l->s = l->text + l->pos;
	l->len = 0;
	if (l->pos == l->text_len) {
		l->token = SIEVE_END;
	} else if (is_alpha(*l->s)) {
		take_word(l);
		if (l->len == 4 && strncasecmp(l->s, "text", 4) == 0 &&
			is_at(l, ':')) {
			l->pos++;
			take_lines(l);
		}
	} else if (is_digit(*l->s)) {
		take_number(l);
	} else if (*l->s == '"') {
		take_quoted(l);
	} else if (*l->s == ':') {
		l->pos++;
		if (l->pos == l->text_len || !is_alpha(l->text[l->pos])) {
			fail(l, "a colon without a name");
			return;
		}
		take_word(l);
		l->token = SIEVE_TAG;
	} else {
		take_mark(l);
	}
}

void
sieve_lex_init(struct sieve_lex *l, char const *s, size_t len)
{
	/* A mark that some editors put in front of UTF-8. */
	size_t const bom =
		len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	*l = (struct sieve_lex){
		.text = s, .text_len = len, .pos = bom, .line = 1};
	if (!utf8_valid(s, len))
		fail(l, "the script is not UTF-8");
	else if (len > 0 && memchr(s, '\0', len) != NULL)
		fail(l, "the script has a NUL");
	else
		sieve_lex_next(l);
}

size_t
sieve_lex_string(struct sieve_lex const *l, char *out)
{
	bool at_start = true;
	size_t n = 0;

	for (size_t i = 0; i < l->len; i++) {
		if (l->token == SIEVE_QUOTED && l->s[i] == '\\' &&
			i + 1 < l->len)
			i++;
		else if (l->token == SIEVE_LINES && at_start &&
			 l->s[i] == '.' && i + 1 < l->len && l->s[i + 1] == '.')
			i++;
		out[n++] = l->s[i];
		at_start = l->s[i] == '\n';
	}
	return n;
}
