/* Finds the bytes of a BODY[section]; see section.h. */
#include <string.h>
#include <strings.h>

#include "mime/header.h"
#include "mime/section.h"

static bool
parse_number(char const *s, size_t len, size_t *pos, uint32_t *n_r)
{
	uint32_t n = 0;
	size_t i = *pos;

	for (; i < len && s[i] >= '0' && s[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10u, &n) ||
			__builtin_add_overflow(n, (uint32_t)(s[i] - '0'), &n))
			return false;
	if (i == *pos || s[*pos] == '0')
		return false;
	*pos = i;
	*n_r = n;
	return true;
}

static bool
parse_keyword(char const *s, size_t len, size_t *pos, struct section *section)
{
	static struct {
		char const *word;
		enum section_kind kind;
	} const keywords[] = {
		/* The longer of two with the same beginning is first. */
		{"HEADER.FIELDS.NOT", SECTION_FIELDS_NOT},
		{"HEADER.FIELDS", SECTION_FIELDS},
		{"HEADER", SECTION_HEADER},
		{"TEXT", SECTION_TEXT},
		{"MIME", SECTION_MIME},
	};

	for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
		size_t const n = strlen(keywords[i].word);

		if (len - *pos >= n &&
			strncasecmp(s + *pos, keywords[i].word, n) == 0) {
			section->kind = keywords[i].kind;
			*pos += n;
			return section->kind != SECTION_MIME ||
			       section->path_len > 0;
		}
	}
	return false;
}

static bool
ends_well(char const *s, size_t len, size_t pos, enum section_kind kind)
{
	bool const fields =
		kind == SECTION_FIELDS || kind == SECTION_FIELDS_NOT;

	if (pos == len)
		return true;
	return s[pos] == (fields ? ' ' : ']');
}

bool
section_parse(
	char const *s, size_t len, struct section *section_r, size_t *used_r)
{
	size_t pos = 0;
	bool dot = true;

	section_r->path_len = 0;
	section_r->kind = SECTION_ALL;
	while (dot && pos < len && s[pos] >= '0' && s[pos] <= '9') {
		if (section_r->path_len == SECTION_PATH_MAX ||
			!parse_number(s, len, &pos,
				&section_r->path[section_r->path_len]))
			return false;
		section_r->path_len++;
		dot = pos < len && s[pos] == '.';
		if (dot)
			pos++;
	}
	/* A dot must be followed by something; "" is all of the message. */
	if (dot && (section_r->path_len > 0 || (len > 0 && s[0] != ']')) &&
		!parse_keyword(s, len, &pos, section_r))
		return false;
	*used_r = pos;
	return ends_well(s, len, pos, section_r->kind);
}

static uint32_t
nth_child(struct structure_part const *parts, uint32_t parent, uint32_t n)
{
	uint32_t i = parts[parent].child;

	while (i != STRUCTURE_NONE && --n > 0)
		i = parts[i].next;
	return i;
}

uint32_t
section_part(struct section const *section, struct structure_part const *parts,
	size_t count)
{
	uint32_t part = 0;
	uint32_t message = 0; /* the message that part is, or holds */

	if (count == 0)
		return STRUCTURE_NONE;
	for (unsigned int i = 0; i < section->path_len; i++) {
		uint32_t const n = section->path[i];
		uint32_t const in = message != STRUCTURE_NONE ? message : part;

		if (parts[in].kind == STRUCTURE_MULTIPART)
			part = nth_child(parts, in, n);
		else if (message != STRUCTURE_NONE && n == 1)
			part = in;
		else
			return STRUCTURE_NONE;
		if (part == STRUCTURE_NONE)
			return STRUCTURE_NONE;
		message = parts[part].kind == STRUCTURE_MESSAGE
				  ? parts[part].child
				  : STRUCTURE_NONE;
	}
	return part;
}

static struct section_span
header_span(struct structure_part const *part)
{
	return (struct section_span){
		part->header_offset, part->header_len, part->header_size};
}

static struct section_span
body_span(struct structure_part const *part)
{
	return (struct section_span){
		part->body_offset, part->body_len, part->body_size};
}

bool
section_find(struct section const *section, struct structure_part const *parts,
	size_t count, struct section_span *span_r)
{
	uint32_t const index = section_part(section, parts, count);
	struct structure_part const *part, *message;

	*span_r = (struct section_span){0};
	if (index == STRUCTURE_NONE)
		return false;
	part = message = &parts[index];
	if (section->path_len > 0)
		message = part->kind == STRUCTURE_MESSAGE ? &parts[part->child]
							  : NULL;
	switch (section->kind) {
	case SECTION_ALL:
		*span_r = body_span(part);
		if (section->path_len == 0) {
			span_r->offset = part->header_offset;
			span_r->len += part->header_len;
			span_r->size += part->header_size;
		}
		return true;
	case SECTION_MIME:
		*span_r = header_span(part);
		return true;
	case SECTION_HEADER:
	case SECTION_FIELDS:
	case SECTION_FIELDS_NOT:
		if (message)
			*span_r = header_span(message);
		return message != NULL;
	case SECTION_TEXT:
		if (message)
			*span_r = body_span(message);
		return message != NULL;
	}
	return false;
}

static bool
is_listed(struct header_field const *field, struct section_name const *names,
	size_t names_count)
{
	for (size_t i = 0; i < names_count; i++)
		if (names[i].len == field->name_len && field->name_len > 0 &&
			strncasecmp(names[i].s, field->name, names[i].len) == 0)
			return true;
	return false;
}

bool
section_fields(stralloc *sa, char const *header, size_t header_len,
	struct section_name const *names, size_t names_count, bool not )
{
	struct header_field field;
	size_t pos = 0;

	while (header_next(header, header_len, &pos, &field) > 0) {
		if (is_listed(&field, names, names_count) == not )
			continue;
		if (!section_crlf(sa, field.line, field.line_len, false))
			return false;
		if (field.line[field.line_len - 1] != '\n' &&
			!stralloc_catb(sa, "\r\n", 2))
			return false;
	}
	return stralloc_catb(sa, "\r\n", 2);
}

bool
section_crlf(stralloc *sa, char const *s, size_t len, bool prev_cr)
{
	size_t start = 0, pos = 0;

	while (pos < len) {
		char const *lf = memchr(s + pos, '\n', len - pos);

		if (!lf)
			break;

		size_t const at = (size_t)(lf - s);
		bool const cr = at > 0 ? s[at - 1] == '\r' : prev_cr;

		pos = at + 1;
		if (cr)
			continue;
		if (!stralloc_catb(sa, s + start, at - start) ||
			!stralloc_catb(sa, "\r\n", 2))
			return false;
		start = pos;
	}
	return stralloc_catb(sa, s + start, len - start);
}
