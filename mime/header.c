/* Walks over header fields; see header.h. */
#include <string.h>
#include <strings.h>

#include "mime/header.h"

size_t
header_line(char const *s, size_t len, size_t pos, size_t *content_r)
{
	char const *lf = pos < len ? memchr(s + pos, '\n', len - pos) : NULL;
	size_t const next = lf ? (size_t)(lf - s) + 1 : len;

	if (content_r) {
		size_t end = lf ? next - 1 : len;

		if (lf && end > pos && s[end - 1] == '\r')
			end--;
		*content_r = end - pos;
	}
	return next;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
split_name(struct header_field *field, char const *line, size_t content)
{
	size_t n = 0;

	/* RFC 5322, 2.2: printable ASCII; RFC 6532 changes values alone. */
	while (n < content && line[n] != ':' && line[n] > ' ' && line[n] < 0x7f)
		n++;

	size_t colon = n;

	while (colon < content && is_blank(line[colon]))
		colon++;
	if (n == 0 || colon == content || line[colon] != ':') {
		field->name_len = 0;
		field->value = line;
	} else {
		field->name_len = n;
		field->value = line + colon + 1;
	}
}

int
header_next(
	char const *s, size_t len, size_t *pos, struct header_field *field_r)
{
	bool const cut = len > HEADER_MAX;
	size_t const start = *pos;
	size_t content;

	if (cut)
		len = HEADER_MAX;
	if (start >= len)
		return 0;

	size_t end = header_line(s, len, start, &content);

	if (cut && s[end - 1] != '\n')
		return 0;
	if (content == 0) {
		*pos = end;
		return 0;
	}
	field_r->name = field_r->line = s + start;
	split_name(field_r, s + start, content);

	size_t value_end = start + content;

	field_r->folded = false;
	while (end < len && is_blank(s[end])) {
		size_t const next = header_line(s, len, end, &content);

		if (cut && s[next - 1] != '\n')
			break;
		value_end = end + content;
		end = next;
		field_r->folded = true;
	}
	field_r->value_len = (size_t)(s + value_end - field_r->value);
	field_r->line_len = end - start;
	*pos = end;
	return 1;
}

size_t
header_end(char const *s, size_t len, size_t max)
{
	size_t pos = 0;

	/* No line is followed further than it matters. */
	if (len > max)
		len = max + 1;
	while (pos < len) {
		size_t content;
		size_t const next = header_line(s, len, pos, &content);

		if (next > max)
			return pos;
		pos = next;
		if (content == 0)
			break;
	}
	return pos;
}

bool
header_is(struct header_field const *field, char const *name)
{
	/* Most fields are another one: their first letter tells. */
	return field->name_len > 0 &&
	       ((field->name[0] ^ name[0]) & ~0x20) == 0 &&
	       strlen(name) == field->name_len &&
	       strncasecmp(field->name, name, field->name_len) == 0;
}

bool
header_find(char const *s, size_t len, char const *name,
	struct header_field *field_r)
{
	struct header_field field;
	size_t pos = 0;

	while (header_next(s, len, &pos, &field) > 0) {
		if (header_is(&field, name)) {
			*field_r = field;
			return true;
		}
	}
	return false;
}

size_t
header_unfold(char const *value, size_t value_len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < value_len; i++) {
		char const c = value[i];

		if (c == '\n')
			continue;
		if (c == '\r' && i + 1 < value_len && value[i + 1] == '\n')
			continue;
		if (n == 0 && is_blank(c))
			continue;
		out[n++] = c;
	}
	return n;
}
