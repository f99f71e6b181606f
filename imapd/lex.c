/* The words of an IMAP command; see lex.h. */
#include <string.h>
#include <strings.h>

#include "imapd/lex.h"

void
lex_init(struct lex *l, char const *s, size_t len, char *text)
{
	*l = (struct lex){.s = s, .len = len, .text = text};
}

char
lex_peek(struct lex const *l)
{
	return l->pos < l->len ? l->s[l->pos] : '\0';
}

bool
lex_char(struct lex *l, char c)
{
	if (l->pos >= l->len || l->s[l->pos] != c)
		return false;
	l->pos++;
	return true;
}

bool
lex_space(struct lex *l)
{
	return lex_char(l, ' ');
}

bool
lex_end(struct lex *l)
{
	/* Some clients leave a blank at the end of a command. */
	while (lex_peek(l) == ' ')
		l->pos++;
	return l->pos == l->len ||
	       (l->len - l->pos == 2 && memcmp(l->s + l->pos, "\r\n", 2) == 0);
}

static bool
is_atom(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c < 127 &&
	       strchr("(){%*\"\\]", c) == NULL;
}

static bool
is_astring(char c)
{
	return is_atom(c) || c == ']';
}

static bool
is_list(char c)
{
	return is_astring(c) || c == '%' || c == '*';
}

static bool
is_tag(char c)
{
	return is_astring(c) && c != '+';
}

static bool
span(struct lex *l, bool (*is)(char), struct lex_text *text_r)
{
	size_t const start = l->pos;

	while (l->pos < l->len && is(l->s[l->pos]))
		l->pos++;
	*text_r = (struct lex_text){l->s + start, l->pos - start};
	return l->pos > start;
}

bool
lex_tag(struct lex *l, struct lex_text *text_r)
{
	return span(l, is_tag, text_r);
}

bool
lex_atom(struct lex *l, struct lex_text *text_r)
{
	return span(l, is_atom, text_r);
}

static bool
quoted(struct lex *l, struct lex_text *text_r)
{
	char *const out = l->text + l->text_used;
	size_t n = 0;

	while (++l->pos < l->len) {
		char c = l->s[l->pos];

		if (c == '"') {
			l->pos++;
			l->text_used += n;
			*text_r = (struct lex_text){out, n};
			return true;
		}
		if (c == '\\') {
			if (++l->pos >= l->len)
				return false;
			c = l->s[l->pos];
			if (c != '"' && c != '\\')
				return false;
		}
		if (c == '\r' || c == '\n' || c == '\0')
			return false;
		out[n++] = c;
	}
	return false;
}

static bool
literal(struct lex *l, bool binary, struct lex_text *text_r)
{
	uint64_t size;

	l->pos++;
	if (!lex_number(l, UINT32_MAX, &size))
		return false;
	if (lex_peek(l) == '+')
		l->pos++;
	if (!lex_char(l, '}') || !lex_char(l, '\r') || !lex_char(l, '\n') ||
		size > l->len - l->pos ||
		(!binary && memchr(l->s + l->pos, '\0', (size_t)size) != NULL))
		return false;
	*text_r = (struct lex_text){l->s + l->pos, (size_t)size};
	l->pos += (size_t)size;
	return true;
}

static bool
starts_string(struct lex const *l)
{
	return lex_peek(l) == '"' || lex_peek(l) == '{';
}

bool
lex_string(struct lex *l, struct lex_text *text_r)
{
	if (lex_peek(l) == '"')
		return quoted(l, text_r);
	return lex_peek(l) == '{' && literal(l, false, text_r);
}

bool
lex_astring(struct lex *l, struct lex_text *text_r)
{
	return starts_string(l) ? lex_string(l, text_r)
				: span(l, is_astring, text_r);
}

bool
lex_value(struct lex *l, struct lex_text *text_r)
{
	if (lex_char(l, '~'))
		return lex_peek(l) == '{' && literal(l, true, text_r);
	if (starts_string(l))
		return lex_string(l, text_r);
	if (!lex_atom(l, text_r) || !lex_is(text_r, "NIL"))
		return false;
	*text_r = (struct lex_text){NULL, 0};
	return true;
}

bool
lex_list_mailbox(struct lex *l, struct lex_text *text_r)
{
	return starts_string(l) ? lex_string(l, text_r)
				: span(l, is_list, text_r);
}

bool
lex_number(struct lex *l, uint64_t max, uint64_t *number_r)
{
	size_t const start = l->pos;
	uint64_t n = 0;

	for (; l->pos < l->len; l->pos++) {
		unsigned const digit = (unsigned char)l->s[l->pos] - '0';

		if (digit > 9)
			break;
		if (n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*number_r = n;
	return l->pos > start;
}

bool
lex_is(struct lex_text const *text, char const *word)
{
	return strlen(word) == text->len &&
	       strncasecmp(text->s, word, text->len) == 0;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t
days(int64_t year, int64_t month, int64_t day)
{
	int64_t const y = month > 2 ? year : year - 1;
	int64_t const m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day -
	       1 - 719468;
}

static bool
date(struct lex *l, bool fixed, int64_t *day_r)
{
	static char const names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	uint64_t day, month, year;

	if (fixed && lex_peek(l) == ' ')
		l->pos++;
	if (!lex_number(l, 31, &day) || day == 0 || !lex_char(l, '-') ||
		l->len - l->pos < 3)
		return false;
	for (month = 0; month < 12; month++)
		if (strncasecmp(l->s + l->pos, names + 3 * month, 3) == 0)
			break;
	l->pos += 3;
	if (month == 12 || !lex_char(l, '-') || !lex_number(l, 9999, &year))
		return false;
	*day_r = days((int64_t)year, (int64_t)month + 1, (int64_t)day) * 86400;
	return true;
}

bool
lex_date(struct lex *l, int64_t *day_r)
{
	if (lex_peek(l) != '"')
		return date(l, false, day_r);
	l->pos++;
	return date(l, false, day_r) && lex_char(l, '"');
}

bool
lex_date_time(struct lex *l, int64_t *time_r)
{
	uint64_t hour, minute, second, zone;
	int64_t day, offset;

	if (!lex_char(l, '"') || !date(l, true, &day) || !lex_space(l) ||
		!lex_number(l, 23, &hour) || !lex_char(l, ':') ||
		!lex_number(l, 59, &minute) || !lex_char(l, ':') ||
		!lex_number(l, 60, &second) || !lex_space(l))
		return false;

	char const sign = lex_peek(l);

	l->pos++;
	if ((sign != '+' && sign != '-') || !lex_number(l, 9999, &zone) ||
		!lex_char(l, '"'))
		return false;
	offset = (int64_t)(zone / 100 * 3600 + zone % 100 * 60);
	*time_r = day + (int64_t)(hour * 3600 + minute * 60 + second) -
		  (sign == '+' ? offset : -offset);
	return true;
}

bool
lex_literal(char const *s, size_t len, uint64_t *size_r, bool *synchronizing_r)
{
	size_t end = len, start;
	uint64_t n = 0;

	if (end < 3 || s[--end] != '}')
		return false;
	*synchronizing_r = s[end - 1] != '+';
	if (!*synchronizing_r)
		end--;
	for (start = end; start > 0; start--)
		if (s[start - 1] < '0' || s[start - 1] > '9')
			break;
	if (start == end || start == 0 || s[start - 1] != '{')
		return false;
	for (; start < end; start++) {
		n = n * 10 + (uint64_t)(s[start] - '0');
		if (n > UINT32_MAX) {
			*size_r = UINT64_MAX;
			return true;
		}
	}
	*size_r = n;
	return true;
}
