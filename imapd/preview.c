/* The start of what a message says; see preview.h. */
#include <string.h>
#include <strings.h>

#include "imapd/preview.h"
#include "common/utf7.h"
#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/header.h"
#include "mime/rfc2231.h"

/* Longest name of an entity looked for. */
#define ENTITY_MAX 10

static bool
is_attachment(char const *s, struct structure_part const *part)
{
	static char const word[] = "attachment";
	struct header_field field;
	size_t i = 0;

	if (!header_find(s + part->header_offset, part->header_len,
		    "Content-Disposition", &field))
		return false;
	while (i < field.value_len &&
		(field.value[i] == ' ' || field.value[i] == '\t'))
		i++;
	return field.value_len - i >= strlen(word) &&
	       strncasecmp(field.value + i, word, strlen(word)) == 0;
}

/* The first part of that type that is there to be read. */
static struct structure_part const *
find(char const *s, struct structure_part const *parts, size_t count,
	char const *type)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].kind == STRUCTURE_LEAF && !parts[i].opaque &&
			parts[i].encoding != STRUCTURE_UNKNOWN_ENCODING &&
			structure_is(s, &parts[i], type) &&
			!is_attachment(s, &parts[i]))
			return &parts[i];
	return NULL;
}

/* The start of a part's text as UTF-8. */
static bool
text_of(stralloc *out, char const *s, struct structure_part const *part)
{
	size_t const len = part->body_len < PREVIEW_LOOK_MAX ? part->body_len
							     : PREVIEW_LOOK_MAX;
	struct structure_span const *const type = &part->content_type;
	stralloc charset = STRALLOC_ZERO, octets = STRALLOC_ZERO;
	bool ok = stralloc_ready(
		&octets, DECODE_ROOM(len) + DECODE_ROOM((size_t)0));
	struct decode d;

	if (ok && part->subtype.len > 0)
		ok = rfc2231_find(s + type->offset, type->len,
			     part->subtype.offset + part->subtype.len -
				     type->offset,
			     "charset", &charset) >= 0;
	if (ok) {
		decode_init(&d, (enum structure_encoding)part->encoding);
		octets.len =
			decode_push(&d, s + part->body_offset, len, octets.s);
		octets.len += decode_finish(&d, octets.s + octets.len);
		ok = charset_to_utf8(
			charset.s, charset.len, octets.s, octets.len, out);
	}
	stralloc_free(&charset);
	stralloc_free(&octets);
	return ok;
}

struct line {
	stralloc *out;
	unsigned characters;
	bool blank; /* one is owed before the next character */
};

/* False: memory is out. */
static bool
put(struct line *l, char const *s, size_t n)
{
	if (l->characters == PREVIEW_CHARACTERS)
		return true;
	if (n == 1 && (unsigned char)*s <= ' ') {
		l->blank = l->characters > 0;
		return true;
	}
	if (l->blank) {
		l->characters++;
		l->blank = false;
		if (!stralloc_catb(l->out, " ", 1))
			return false;
		if (l->characters == PREVIEW_CHARACTERS)
			return true;
	}
	l->characters++;
	return stralloc_catb(l->out, s, n);
}

/* A line that was written by somebody else, or that says so. */
static bool
is_quoted(char const *s, size_t len)
{
	return len > 0 && s[0] == '>';
}

static bool
plain(struct line *l, char const *s, size_t len)
{
	unsigned long code;

	for (size_t pos = 0, n; pos < len; pos += n) {
		n = utf8_next(s + pos, len - pos, &code);
		if (n == 0)
			n = 1;
		if ((pos == 0 || s[pos - 1] == '\n') &&
			is_quoted(s + pos, len - pos)) {
			char const *const lf = memchr(s + pos, '\n', len - pos);

			n = lf != NULL ? (size_t)(lf - (s + pos)) : len - pos;
			continue;
		}
		if (!put(l, s + pos, n))
			return false;
	}
	return true;
}

/* "&amp;" at s: its octets, and what it stands for. 0: none that we know. */
static size_t
entity(char const *s, size_t len, unsigned long *code_r)
{
	static struct {
		char const *name;
		unsigned long code;
	} const known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'},
		{"quot", '"'}, {"apos", '\''}, {"nbsp", ' '}, {"auml", 0xe4},
		{"ouml", 0xf6}, {"uuml", 0xfc}, {"szlig", 0xdf},
		{"eacute", 0xe9}, {"rsquo", 0x2019}, {"ndash", 0x2013},
		{"mdash", 0x2014}, {"hellip", 0x2026}};
	size_t end = 1;
	unsigned long code = 0;

	while (end < len && end <= ENTITY_MAX && s[end] != ';')
		end++;
	if (end == len || s[end] != ';')
		return 0;
	*code_r = 0;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i].name) == end - 1 &&
			memcmp(s + 1, known[i].name, end - 1) == 0)
			*code_r = known[i].code;
	if (*code_r != 0 || s[1] != '#')
		return *code_r != 0 ? end + 1 : 0;

	bool const hex = s[2] == 'x' || s[2] == 'X';

	for (size_t i = hex ? 3 : 2; i < end; i++) {
		char const c = s[i] | 32;
		unsigned const digit =
			c >= '0' && c <= '9'	      ? (unsigned)(c - '0')
			: hex && c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
						      : 99;

		if (digit == 99)
			return 0;
		code = code * (hex ? 16 : 10) + digit;
	}
	*code_r = code > ' ' && code <= 0x10ffff ? code : ' ';
	return end + 1;
}

static bool
is_tag(char const *s, size_t len, char const *name)
{
	size_t const n = strlen(name);

	return len > n + 1 && strncasecmp(s + 1, name, n) == 0 &&
	       strchr(" \t\r\n>/", s[1 + n]) != NULL;
}

/* Octets from a `<` to what is to be read again. */
static size_t
skip_tag(char const *s, size_t len)
{
	static char const *const hidden[] = {
		"style", "script", "head", "title"};
	char const *end;

	if (len >= 4 && memcmp(s, "<!--", 4) == 0) {
		end = memmem(s, len, "-->", 3);
		return end != NULL ? (size_t)(end + 3 - s) : len;
	}
	end = memchr(s, '>', len);
	if (end == NULL)
		return len;
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
		if (!is_tag(s, len, hidden[i]))
			continue;
		for (char const *p = end; p + 2 < s + len; p++)
			if (p[0] == '<' && p[1] == '/' &&
				is_tag(p + 1, (size_t)(s + len - p) - 1,
					hidden[i])) {
				end = memchr(p, '>', (size_t)(s + len - p));
				return end != NULL ? (size_t)(end + 1 - s)
						   : len;
			}
		return len;
	}
	return (size_t)(end + 1 - s);
}

static bool
html(struct line *l, char const *s, size_t len)
{
	stralloc character = STRALLOC_ZERO;
	unsigned long code;
	bool ok = true;

	for (size_t pos = 0, n; ok && pos < len; pos += n) {
		if (s[pos] == '<') {
			n = skip_tag(s + pos, len - pos);
			ok = put(l, " ", 1);
			continue;
		}
		n = s[pos] == '&' ? entity(s + pos, len - pos, &code) : 0;
		if (n > 0) {
			character.len = 0;
			ok = charset_put(&character, (uint32_t)code) &&
			     put(l, character.s, character.len);
			continue;
		}
		n = utf8_next(s + pos, len - pos, &code);
		if (n == 0)
			n = 1;
		ok = put(l, s + pos, n);
	}
	stralloc_free(&character);
	return ok;
}

bool
preview_make(stralloc *out, char const *s, struct structure_part const *parts,
	size_t count)
{
	struct structure_part const *part = find(s, parts, count, "text/plain");
	bool const is_html = part == NULL;
	struct line line = {.out = out};
	stralloc text = STRALLOC_ZERO;
	bool ok;

	if (is_html)
		part = find(s, parts, count, "text/html");
	if (part == NULL)
		return true;
	ok = text_of(&text, s, part) &&
	     (is_html ? html : plain)(&line, text.s, text.len);
	stralloc_free(&text);
	return ok;
}
