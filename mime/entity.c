/* Divides headers; see entity.h. */
#include <string.h>
#include <strings.h>

#include "mime/entity.h"
#include "mime/header.h"
#include "mime/rfc2045.h"

static bool
is_protected_name(struct header_field const *f)
{
	static char const *const names[] = {"subject", "to", "cc", "date",
		"reply-to", "message-id", "in-reply-to", "references",
		"followup-to"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (header_is(f, names[i]))
			return true;
	return false;
}

static bool
belongs(struct header_field const *f, enum entity_fields which)
{
	bool const content =
		f->name_len > 8 && strncasecmp(f->name, "content-", 8) == 0;

	switch (which) {
	case ENTITY_CONTENT:
		return content;
	case ENTITY_REST:
		return !content && !header_is(f, "mime-version");
	case ENTITY_PROTECTED:
		return is_protected_name(f);
	}
	return false;
}

static bool
put_field(stralloc *out, struct header_field const *f)
{
	return stralloc_catb(out, f->line, f->line_len) &&
	       (f->line[f->line_len - 1] == '\n' || stralloc_append(out, '\n'));
}

bool
entity_fields(
	stralloc *out, char const *header, size_t len, enum entity_fields which)
{
	struct header_field f;
	size_t pos = 0;

	while (header_next(header, len, &pos, &f) > 0)
		if (f.name_len > 0 && belongs(&f, which) && !put_field(out, &f))
			return false;
	return true;
}

bool
entity_is_protected(char const *header, size_t len)
{
	struct header_field f;
	struct rfc2045_param param;
	size_t a, b, c, d, pos;

	return header_find(header, len, "content-type", &f) &&
	       rfc2045_type(f.value, f.value_len, &a, &b, &c, &d, &pos) &&
	       (rfc2045_find(f.value, f.value_len, pos, "protected-headers",
			&param) ||
		       rfc2045_find(f.value, f.value_len, pos, "hp", &param));
}

/* Is a field of this name in the header? name is not NUL-ended. */
static bool
has(char const *header, size_t len, struct header_field const *name)
{
	struct header_field f;
	size_t pos = 0;

	while (header_next(header, len, &pos, &f) > 0)
		if (f.name_len == name->name_len &&
			strncasecmp(f.name, name->name, f.name_len) == 0)
			return true;
	return false;
}

bool
entity_merge(stralloc *out, char const *outer, size_t outer_len,
	char const *inner, size_t inner_len)
{
	struct header_field f;
	size_t pos = 0;

	while (header_next(outer, outer_len, &pos, &f) > 0) {
		if (f.name_len == 0 || !belongs(&f, ENTITY_REST) ||
			(is_protected_name(&f) && has(inner, inner_len, &f)))
			continue;
		if (!put_field(out, &f))
			return false;
	}
	return entity_fields(out, inner, inner_len, ENTITY_PROTECTED);
}

bool
entity_lf(stralloc *out, char const *s, size_t len)
{
	size_t pos = 0;

	if (!stralloc_readyplus(out, len))
		return false;
	while (pos < len) {
		char const *const lf = memchr(s + pos, '\n', len - pos);
		size_t const end = lf ? (size_t)(lf - s) : len;
		size_t content = end;

		if (lf && content > pos && s[content - 1] == '\r')
			content--;
		if (!stralloc_catb(out, s + pos, content - pos) ||
			(lf && !stralloc_append(out, '\n')))
			return false;
		pos = lf ? end + 1 : len;
	}
	return true;
}
