/* Changes to a message that is looked at. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "smtpd/check/edit.h"

void
edit_init(struct edit *e, char const *s, size_t len)
{
	*e = (struct edit){.s = s, .len = len};
}

void
edit_free(struct edit *e)
{
	stralloc_free(&e->front);
	stralloc_free(&e->text);
}

/* With CRLF for each CRLF, LF or CR; NULs are left out. */
static bool
add_lines(stralloc *out, char const *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = 0;

		while (i + n < len && s[i + n] != '\r' && s[i + n] != '\n' &&
			s[i + n] != '\0')
			n++;
		if (!stralloc_catb(out, s + i, n))
			return false;
		i += n;
		if (i == len)
			break;
		if (s[i] != '\0' && !stralloc_catb(out, "\r\n", 2))
			return false;
		i += s[i] == '\r' && i + 1 < len && s[i + 1] == '\n' ? 2 : 1;
	}
	return true;
}

static bool
is_name(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == ':')
			return false;
	return len > 0 && len <= 100;
}

/* A value on one or more lines: each line end becomes a fold, so that no value
 * can begin a field of its own, or end the header. */
static bool
add_value(stralloc *out, char const *s, size_t len)
{
	while (len > 0 && (s[len - 1] == '\n' || s[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len; i++) {
		bool is_end = s[i] == '\r' || s[i] == '\n';

		if (s[i] == '\r' && i + 1 < len && s[i + 1] == '\n')
			i++;
		if (s[i] == '\0')
			continue;
		if (!is_end) {
			if (!stralloc_append(out, s[i]))
				return false;
			continue;
		}
		/* Blanks alone on a line would be taken for its end by some. */
		while (i + 1 < len && strchr(" \t\r\n", s[i + 1]) != NULL)
			i++;
		if (!stralloc_cats(out, "\r\n\t"))
			return false;
	}
	return stralloc_catb(out, "\r\n", 2);
}

static bool
add_field(stralloc *out, char const *name, size_t name_len, char const *value,
	size_t value_len)
{
	bool has_blank = value_len > 0 && (value[0] == ' ' || value[0] == '\t');

	return stralloc_catb(out, name, name_len) &&
	       stralloc_catb(out, ": ", has_blank ? 1 : 2) &&
	       add_value(out, value, value_len);
}

static bool
has_room(struct edit const *e, size_t name_len, size_t value_len)
{
	/* Each line end of a value may become three octets. */
	if (value_len > EDIT_FRONT_MAX / 3 ||
		e->front.len + name_len + value_len * 3 > EDIT_FRONT_MAX) {
		errno = ENOSPC;
		return false;
	}
	return true;
}

bool
edit_front(struct edit *e, char const *name, size_t name_len, char const *value,
	size_t value_len)
{
	return is_name(name, name_len) && has_room(e, name_len, value_len) &&
	       add_field(&e->front, name, name_len, value, value_len);
}

bool
edit_front_first(struct edit *e, char const *name, size_t name_len,
	char const *value, size_t value_len)
{
	stralloc first = STRALLOC_ZERO;
	bool ok = is_name(name, name_len) && has_room(e, name_len, value_len) &&
		  add_field(&first, name, name_len, value, value_len) &&
		  stralloc_catb(&first, e->front.s, e->front.len);

	if (!ok) {
		stralloc_free(&first);
		return false;
	}
	stralloc_free(&e->front);
	e->front = first;
	return true;
}

/* out becomes the message. */
static void
become(struct edit *e, stralloc *out)
{
	stralloc_free(&e->text);
	e->text = *out;
	e->s = e->text.s;
	e->len = e->text.len;
	e->is_replaced = true;
}

/* The message with the octets from..to replaced by a field, or by nothing. */
static bool
splice(struct edit *e, size_t from, size_t to, char const *name,
	size_t name_len, char const *value, size_t value_len)
{
	stralloc out = STRALLOC_ZERO;

	if (!stralloc_ready(&out, e->len + 1) ||
		!stralloc_catb(&out, e->s, from) ||
		(value_len > 0 &&
			!add_field(&out, name, name_len, value, value_len)) ||
		!stralloc_catb(&out, e->s + to, e->len - to)) {
		stralloc_free(&out);
		return false;
	}
	become(e, &out);
	return true;
}

bool
edit_change(struct edit *e, unsigned index, char const *name, size_t name_len,
	char const *value, size_t value_len)
{
	struct header_field field;
	size_t pos = 0;
	unsigned n = 0;

	if (!is_name(name, name_len))
		return false;
	while (header_next(e->s, e->len, &pos, &field) > 0) {
		if (field.name_len != name_len ||
			strncasecmp(field.name, name, name_len) != 0 ||
			++n != (index > 0 ? index : 1))
			continue;
		size_t from = (size_t)(field.line - e->s);

		return splice(e, from, from + field.line_len, name, name_len,
			value, value_len);
	}
	return value_len == 0 ||
	       edit_front(e, name, name_len, value, value_len);
}

bool
edit_remove(struct edit *e,
	bool (*is_removed)(void *data, struct header_field const *field),
	void *data)
{
	struct header_field field;
	stralloc out = STRALLOC_ZERO;
	size_t pos = 0, kept = 0;
	bool is_changed = false;

	while (header_next(e->s, e->len, &pos, &field) > 0) {
		size_t from = (size_t)(field.line - e->s);

		if (!is_removed(data, &field))
			continue;
		if (!is_changed && !stralloc_ready(&out, e->len + 1))
			return false;
		is_changed = true;
		if (!stralloc_catb(&out, e->s + kept, from - kept))
			goto fail;
		kept = from + field.line_len;
	}
	if (!is_changed)
		return true;
	if (!stralloc_catb(&out, e->s + kept, e->len - kept))
		goto fail;
	become(e, &out);
	return true;
fail:
	stralloc_free(&out);
	return false;
}

bool
edit_body(struct edit *e, char const *s, size_t len)
{
	stralloc out = STRALLOC_ZERO;
	size_t header = header_end(e->s, e->len, HEADER_MAX);

	if (!stralloc_catb(&out, e->s, header) ||
		/* A message may end with its header. */
		(header == e->len && len > 0 &&
			!(header >= 4 && memcmp(e->s + header - 4, "\r\n\r\n",
						 4) == 0) &&
			!stralloc_catb(&out, "\r\n", 2)) ||
		!add_lines(&out, s, len)) {
		stralloc_free(&out);
		return false;
	}
	become(e, &out);
	return true;
}

bool
edit_message(struct edit *e, char const *s, size_t len)
{
	stralloc out = STRALLOC_ZERO;

	if (!stralloc_ready(&out, len + 2) || !add_lines(&out, s, len) ||
		(out.len > 0 && out.s[out.len - 1] != '\n' &&
			!stralloc_catb(&out, "\r\n", 2))) {
		stralloc_free(&out);
		return false;
	}
	become(e, &out);
	return true;
}
