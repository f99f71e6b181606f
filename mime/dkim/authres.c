/* Authentication-Results fields: see authres.h. */
#include <string.h>
#include <strings.h>
#include "mime/rfc2045.h"
#include "mime/dkim/authres.h"

/* Octets of a line behind its tab; RFC 5322 2.1.1 wants 78 in all. */
#define LINE_WIDTH 66

static bool
is_word(char c)
{
	unsigned char u = (unsigned char)c;

	return u > ' ' && u != 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* value = token / quoted-string, or with `@`, `/` and the like as addresses
 * have them in pvalue (RFC 8601 2.2). */
static bool
take_value(struct authres_reader *r, bool is_pvalue, struct authres_text *t)
{
	char const *s = r->s;
	size_t i = r->pos;

	if (i < r->len && s[i] == '"') {
		size_t start = ++i;
		while (i < r->len && s[i] != '"')
			i += s[i] == '\\' && i + 1 < r->len ? 2 : 1;
		if (i >= r->len)
			return false;
		*t = (struct authres_text){s + start, i - start};
		r->pos = i + 1;
		return true;
	}
	while (i < r->len &&
		(is_word(s[i]) || (is_pvalue && s[i] != '\0' &&
					  strchr("@/:[]?=<>", s[i]) != NULL)))
		i++;
	if (i == r->pos)
		return false;
	*t = (struct authres_text){s + r->pos, i - r->pos};
	r->pos = i;
	return true;
}

static void
skip(struct authres_reader *r)
{
	r->pos = rfc2045_skip(r->s, r->len, r->pos);
}

/* Skip blanks and comments, then c; blanks and comments behind it too. */
static bool
take_char(struct authres_reader *r, char c)
{
	skip(r);
	if (r->pos >= r->len || r->s[r->pos] != c)
		return false;
	r->pos++;
	skip(r);
	return true;
}

static bool
is_at(struct authres_reader const *r, char c)
{
	return r->pos < r->len && r->s[r->pos] == c;
}

static bool
is_digits(struct authres_text const *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (t->s[i] < '0' || t->s[i] > '9')
			return false;
	return t->len > 0;
}

static bool
is_one(struct authres_text const *t)
{
	return t->len == 1 && *t->s == '1';
}

bool
authres_start(struct authres_reader *r, char const *s, size_t len,
	struct authres_text *id_r)
{
	struct authres_text version;

	*r = (struct authres_reader){s, len, 0};
	skip(r);
	if (!take_value(r, false, id_r))
		return false;
	skip(r);
	if (r->pos < r->len && !is_at(r, ';') &&
		(!take_value(r, false, &version) || !is_digits(&version) ||
			!is_one(&version)))
		return false;
	skip(r);
	return r->pos == r->len || is_at(r, ';');
}

/* name = ptype "." property; the dot may have comments around it. */
static bool
take_name(struct authres_reader *r, struct authres_text *t)
{
	size_t i = r->pos;

	while (i < r->len && is_word(r->s[i]) && r->s[i] != '.')
		i++;
	*t = (struct authres_text){r->s + r->pos, i - r->pos};
	r->pos = i;
	return t->len > 0;
}

static bool
take_property(struct authres_reader *r, struct authres_text *ptype,
	struct authres_text *property, struct authres_text *value)
{
	return take_name(r, ptype) && take_char(r, '.') &&
	       take_value(r, false, property) && take_char(r, '=') &&
	       take_value(r, true, value);
}

int
authres_next(struct authres_reader *r, struct authres_result *result_r)
{
	struct authres_text a, b, c;

	skip(r);
	if (r->pos >= r->len)
		return 0;
	if (!take_char(r, ';'))
		return -1;
	if (r->pos >= r->len)
		return 0;
	*result_r = (struct authres_result){0};
	if (!take_value(r, false, &result_r->method))
		return -1;
	skip(r);
	/* no-result = "none" */
	if (r->pos >= r->len && result_r->method.len == 4 &&
		strncasecmp(result_r->method.s, "none", 4) == 0)
		return 0;
	if (is_at(r, '/')) {
		r->pos++;
		skip(r);
		if (!take_value(r, false, &a) || !is_digits(&a))
			return -1;
	}
	if (!take_char(r, '=') || !take_value(r, false, &result_r->result))
		return -1;
	skip(r);
	if (r->len - r->pos > 6 &&
		strncasecmp(r->s + r->pos, "reason", 6) == 0) {
		struct authres_reader at = *r;
		at.pos += 6;
		if (take_char(&at, '=') &&
			take_value(&at, false, &result_r->reason))
			*r = at;
	}
	skip(r);
	result_r->property_at = r->pos;
	while (r->pos < r->len && !is_at(r, ';')) {
		if (!take_property(r, &a, &b, &c))
			return -1;
		skip(r);
	}
	result_r->end = r->pos;
	return 1;
}

static bool
text_is(struct authres_text const *t, char const *word)
{
	return t->len == strlen(word) && strncasecmp(t->s, word, t->len) == 0;
}

bool
authres_property(struct authres_reader const *r,
	struct authres_result const *result, char const *ptype,
	char const *property, struct authres_text *value_r)
{
	struct authres_reader at = {r->s, result->end, result->property_at};
	struct authres_text a, b, c;

	while (at.pos < at.len && take_property(&at, &a, &b, &c)) {
		if (text_is(&a, ptype) && text_is(&b, property)) {
			*value_r = c;
			return true;
		}
		skip(&at);
	}
	return false;
}

bool
authres_claims(char const *s, size_t len, char const *host)
{
	struct authres_reader r = {s, len, 0};
	struct authres_text id;

	/* Whatever follows: a reader that is less strict than we are must not
	 * be deceived. */
	skip(&r);
	return take_value(&r, false, &id) && text_is(&id, host);
}

static void
put(struct authres_writer *w, char c)
{
	if (w->len + 1 < w->max)
		w->out[w->len++] = c;
	else
		w->is_full = true;
}

static void
put_text(struct authres_writer *w, char const *s)
{
	for (; *s != '\0'; s++)
		put(w, *s);
}

static bool
is_plain(char const *s)
{
	for (; *s != '\0'; s++)
		if (!is_word(*s) || (unsigned char)*s > '~')
			return false;
	return true;
}

static char
harmless(char c)
{
	return (char)(c >= ' ' && c <= '~' ? c : '?');
}

static void
put_quoted(struct authres_writer *w, char const *s)
{
	put(w, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			put(w, '\\');
		put(w, harmless(*s));
	}
	put(w, '"');
}

/* Undo what did not fit since the last part was whole. */
static void
settle(struct authres_writer *w)
{
	if (w->is_full)
		w->len = w->mark;
	else
		w->mark = w->len;
}

void
authres_begin(struct authres_writer *w, char *out, size_t max, char const *host)
{
	*w = (struct authres_writer){.out = out, .max = max};
	if (is_plain(host))
		put_text(w, host);
	else
		put_quoted(w, host);
	settle(w);
}

void
authres_add(struct authres_writer *w, char const *method, char const *result)
{
	if (w->is_full)
		return;
	put_text(w, ";\r\n\t");
	w->line = w->len;
	put_text(w, method);
	put(w, '=');
	put_text(w, result);
	settle(w);
	w->has_results |= !w->is_full;
}

/* A pvalue may be `local@domain` bare if both are plain. */
static bool
is_bare(char const *value)
{
	for (; *value != '\0'; value++)
		if (!is_word(*value) && *value != '@' && *value != '/')
			return false;
		else if ((unsigned char)*value > '~')
			return false;
	return true;
}

void
authres_add_property(
	struct authres_writer *w, char const *name, char const *value)
{
	if (w->is_full || *value == '\0')
		return;
	/* Eight octets for the tab, some for quotes. */
	if (w->len - w->line + strlen(name) + strlen(value) > LINE_WIDTH) {
		put_text(w, "\r\n\t");
		w->line = w->len;
	} else {
		put(w, ' ');
	}
	put_text(w, name);
	put(w, '=');
	if (is_bare(value))
		put_text(w, value);
	else
		put_quoted(w, value);
	settle(w);
}

void
authres_add_reason(struct authres_writer *w, char const *text)
{
	if (w->is_full)
		return;
	put_text(w, " reason=");
	put_quoted(w, text);
	settle(w);
}

void
authres_add_comment(struct authres_writer *w, char const *text)
{
	if (w->is_full)
		return;
	put_text(w, " (");
	for (; *text != '\0'; text++)
		put(w, *text == '(' || *text == ')' || *text == '\\'
				? '?'
				: harmless(*text));
	put(w, ')');
	settle(w);
}

size_t
authres_end(struct authres_writer *w)
{
	if (!w->has_results && !w->is_full)
		put_text(w, "; none");
	settle(w);
	if (w->max > 0)
		w->out[w->len] = '\0';
	return w->len;
}
