/* What an IMAP server says to a client; see imap_reply.h. */
#include <string.h>
#include <strings.h>
#include "common/admin/imap_reply.h"

#define DEPTH_MAX 64

/* A string or NIL, with any octets in it. */
static bool
value(struct lex *l, struct lex_text *text_r)
{
	char const *lf;
	uint64_t size;
	bool waits;

	(void)lex_char(l, '~');
	if (lex_peek(l) != '{')
		return lex_value(l, text_r);
	lf = memchr(l->s + l->pos, '\n', l->len - l->pos);
	if (lf == NULL || lf[-1] != '\r' ||
		!lex_literal(l->s + l->pos, (size_t)(lf - l->s) - l->pos - 1,
			&size, &waits))
		return false;
	l->pos = (size_t)(lf - l->s) + 1;
	if (size > l->len - l->pos)
		return false;
	*text_r = (struct lex_text){l->s + l->pos, (size_t)size};
	l->pos += (size_t)size;
	return true;
}

/* "(...)" as it stands there, without the parentheses. */
static bool
parenthesized(struct lex *l, struct lex_text *text_r)
{
	size_t const start = l->pos + 1;
	unsigned depth = 0;

	do {
		struct lex_text text;
		char const c = lex_peek(l);

		if (l->pos >= l->len)
			return false;
		if (c == '(' || c == ')') {
			depth = c == '(' ? depth + 1 : depth - 1;
			l->pos++;
			if (depth > DEPTH_MAX)
				return false;
		} else if (c == '"' || c == '{' || c == '~') {
			if (!value(l, &text))
				return false;
		} else {
			l->pos++;
		}
	} while (depth > 0);
	*text_r = (struct lex_text){l->s + start, l->pos - start - 1};
	return true;
}

/* The name of an item, with a section: "BODY[HEADER.FIELDS (X)]<0>". */
static bool
item_name(struct lex *l, struct lex_text *name_r)
{
	size_t const start = l->pos;
	bool in_section = false;

	while (l->pos < l->len) {
		char const c = lex_peek(l);

		if (c == '\r' || c == '\n' || (!in_section && strchr(" ()", c)))
			break;
		in_section = c == '[' || (in_section && c != ']');
		l->pos++;
	}
	*name_r = (struct lex_text){l->s + start, l->pos - start};
	return name_r->len > 0;
}

static bool
item(struct lex *l, struct imap_fetch *f)
{
	struct lex_text name, rest;
	uint64_t number;

	if (!item_name(l, &name) || !lex_space(l))
		return false;
	if (lex_is(&name, "UID")) {
		if (!lex_number(l, UINT32_MAX, &number))
			return false;
		f->uid = (uint32_t)number;
		return true;
	}
	if (lex_is(&name, "RFC822.SIZE"))
		return lex_number(l, UINT64_MAX / 2, &f->size);
	if (lex_is(&name, "FLAGS")) {
		f->has_flags = true;
		return lex_peek(l) == '(' && parenthesized(l, &f->flags);
	}
	if (lex_is(&name, "INTERNALDATE")) {
		struct lex const before = *l;

		f->has_date = lex_date_time(l, &f->date);
		if (f->has_date)
			return true;
		/* One that nobody can read is none. */
		*l = before;
		return value(l, &rest);
	}
	if (lex_is(&name, "BODY[]"))
		return value(l, &f->body);
	if (lex_peek(l) == '(')
		return parenthesized(l, &rest);
	if (lex_peek(l) == '"' || lex_peek(l) == '{' || lex_peek(l) == '~')
		return value(l, &rest);
	return item_name(l, &rest);
}

bool
imap_reply_fetch(
	char const *s, size_t len, char *text, struct imap_fetch *fetch_r)
{
	struct lex_text word;
	uint64_t number;
	struct lex l;

	*fetch_r = (struct imap_fetch){.uid = 0};
	lex_init(&l, s, len, text);
	if (!lex_char(&l, '*') || !lex_space(&l) ||
		!lex_number(&l, UINT32_MAX, &number) || !lex_space(&l) ||
		!lex_atom(&l, &word) || !lex_is(&word, "FETCH") ||
		!lex_space(&l) || !lex_char(&l, '('))
		return false;
	do
		if (!item(&l, fetch_r))
			return false;
	while (lex_char(&l, ' '));
	return lex_char(&l, ')');
}

bool
imap_reply_list(char const *s, size_t len, char *text, struct imap_list *list_r)
{
	struct lex_text word, separator;
	struct lex l;

	lex_init(&l, s, len, text);
	if (!lex_char(&l, '*') || !lex_space(&l) || !lex_atom(&l, &word) ||
		!lex_is(&word, "LIST") || !lex_space(&l) ||
		lex_peek(&l) != '(' ||
		!parenthesized(&l, &list_r->attributes) || !lex_space(&l) ||
		!lex_value(&l, &separator) || !lex_space(&l))
		return false;
	list_r->separator = separator.len == 1 ? separator.s[0] : '\0';
	return lex_astring(&l, &list_r->name);
}

bool
imap_reply_namespace(
	char const *s, size_t len, char *text, struct lex_text *prefix_r)
{
	struct lex_text word;
	struct lex l;

	lex_init(&l, s, len, text);
	return lex_char(&l, '*') && lex_space(&l) && lex_atom(&l, &word) &&
	       lex_is(&word, "NAMESPACE") && lex_space(&l) &&
	       lex_char(&l, '(') && lex_char(&l, '(') &&
	       lex_string(&l, prefix_r);
}

bool
imap_reply_code(char const *s, size_t len, char const *code, uint32_t *number_r)
{
	struct lex_text word;
	uint64_t number;
	struct lex l;

	lex_init(&l, s, len, NULL);
	if (!lex_char(&l, '*') || !lex_space(&l) || !lex_atom(&l, &word) ||
		!lex_is(&word, "OK") || !lex_space(&l) || !lex_char(&l, '[') ||
		!lex_atom(&l, &word) || !lex_is(&word, code) ||
		!lex_space(&l) || !lex_number(&l, UINT32_MAX, &number))
		return false;
	*number_r = (uint32_t)number;
	return lex_char(&l, ']');
}

bool
imap_reply_exists(char const *s, size_t len, uint32_t *number_r)
{
	struct lex_text word;
	uint64_t number;
	struct lex l;

	lex_init(&l, s, len, NULL);
	if (!lex_char(&l, '*') || !lex_space(&l) ||
		!lex_number(&l, UINT32_MAX, &number) || !lex_space(&l) ||
		!lex_atom(&l, &word) || !lex_is(&word, "EXISTS"))
		return false;
	*number_r = (uint32_t)number;
	return true;
}

bool
imap_reply_has(struct lex_text const *words, char const *word)
{
	size_t const len = strlen(word);

	for (size_t i = 0; i < words->len;) {
		size_t n = 0;

		while (i + n < words->len && words->s[i + n] != ' ')
			n++;
		if (n == len && strncasecmp(words->s + i, word, n) == 0)
			return true;
		i += n + 1;
	}
	return false;
}
