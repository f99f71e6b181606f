/*
 * Any message: parts nest, their sizes are those of their bytes, their section
 * numbers lead back to them, and what IMAP is told is well-formed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/imap.h"
#include "mime/section.h"
#include "mime/structure.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

#define PARTS 50

static void
count(char const *s, size_t from, size_t len, size_t *lines, size_t *octets)
{
	*lines = 0;
	*octets = len;
	for (size_t i = from; i < from + len; i++)
		if (s[i] == '\n') {
			++*lines;
			if (i == 0 || s[i - 1] != '\r')
				++*octets;
		}
}

static void
check_place(struct structure_part const *parts, size_t index)
{
	struct structure_part const *part = &parts[index];
	struct structure_part const *up = &parts[part->parent];

	if (part->parent >= index || part->depth != up->depth + 1 ||
		part->header_offset < up->body_offset ||
		part->body_offset + part->body_len >
			up->body_offset + up->body_len)
		abort();
	if (up->kind == STRUCTURE_MESSAGE &&
		(part->header_offset != up->body_offset ||
			part->header_size + part->body_size != up->body_size ||
			part->next != STRUCTURE_NONE))
		abort();
}

static void
check_part(char const *s, size_t size, struct structure_part const *part)
{
	size_t lines, octets;

	if (part->header_offset + part->header_len != part->body_offset ||
		part->body_offset + part->body_len > size)
		abort();
	count(s, part->header_offset, part->header_len, &lines, &octets);
	if (lines != part->header_lines || octets != part->header_size)
		abort();
	count(s, part->body_offset, part->body_len, &lines, &octets);
	if (lines != part->body_lines || octets != part->body_size)
		abort();
	if ((part->kind == STRUCTURE_LEAF) != (part->child == STRUCTURE_NONE))
		abort();
}

/* Where the quoted string ends that starts at i. */
static size_t
quoted_end(stralloc const *sa, size_t i)
{
	for (i++; i < sa->len && sa->s[i] != '"'; i++) {
		if (sa->s[i] == '\\')
			i++;
		if (i >= sa->len || (sa->s[i] & 0x80) || sa->s[i] == '\r' ||
			sa->s[i] == '\n')
			abort();
	}
	if (i >= sa->len)
		abort();
	return i;
}

static size_t
literal_end(stralloc const *sa, size_t i)
{
	char *end;
	unsigned long const n = strtoul(sa->s + i + 1, &end, 10);

	i = (size_t)(end - sa->s);
	if (i + 3 + n > sa->len || memcmp(end, "}\r\n", 3) != 0)
		abort();
	return i + 2 + n;
}

/* Parentheses match, strings end, no stray control. */
static void
check_text(stralloc const *sa)
{
	int depth = 0;

	for (size_t i = 0; i < sa->len; i++) {
		if (sa->s[i] == '(')
			depth++;
		else if (sa->s[i] == ')')
			depth--;
		else if (sa->s[i] == '"')
			i = quoted_end(sa, i);
		else if (sa->s[i] == '{')
			i = literal_end(sa, i);
		if (depth < 0)
			abort();
	}
	if (depth != 0)
		abort();
}

/* The numbers of part i, from the outermost. */
static void
number(struct structure_part const *parts, uint32_t i, struct section *section)
{
	uint32_t path[STRUCTURE_DEPTH_MAX];
	unsigned int n = 0;

	for (uint32_t at = i; at != 0; at = parts[at].parent) {
		uint32_t const up = parts[at].parent;
		uint32_t place = 1, sibling = parts[up].child;

		for (; sibling != at; sibling = parts[sibling].next)
			place++;
		if (parts[up].kind == STRUCTURE_MULTIPART)
			path[n++] = place;
		else if (parts[at].kind != STRUCTURE_MULTIPART)
			path[n++] = 1;
	}
	if (parts[0].kind != STRUCTURE_MULTIPART)
		path[n++] = 1;
	section->path_len = n;
	for (unsigned int k = 0; k < n; k++)
		section->path[k] = path[n - 1 - k];
	section->kind = SECTION_ALL;
}

static void
check_sections(struct structure_part const *parts, size_t parts_count)
{
	struct section section;
	struct section_span span;

	for (uint32_t i = 1; i < parts_count; i++) {
		if (parts[parts[i].parent].kind != STRUCTURE_MULTIPART)
			continue;
		number(parts, i, &section);
		if (section_part(&section, parts, parts_count) != i ||
			!section_find(&section, parts, parts_count, &span) ||
			span.offset != parts[i].body_offset)
			abort();
	}
}

static void
check_imap(char const *s, size_t size, struct structure_part const *parts,
	size_t parts_count)
{
	struct section_name const names[] = {{"to", 2}, {"X", 1}};
	stralloc sa = STRALLOC_ZERO;

	if (!imap_envelope(&sa, s, parts[0].header_len) ||
		!imap_bodystructure(&sa, s, parts, parts_count, true) ||
		!imap_bodystructure(&sa, s, parts, parts_count, false))
		abort();
	check_text(&sa);
	sa.len = 0;
	if (!section_fields(&sa, s, parts[0].header_len, names, 2, false) ||
		!section_fields(&sa, s, parts[0].header_len, names, 2, true))
		abort();
	sa.len = 0;
	if (!section_crlf(&sa, s, size, false) ||
		sa.len != parts[0].header_size + parts[0].body_size)
		abort();
	stralloc_free(&sa);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct structure_part parts[PARTS];
	char const *s = (char const *)data;
	size_t const max = size > 0 && data[0] & 1 ? PARTS : 3;
	size_t const parts_count = structure_parse(s, size, parts, max);

	if (parts_count < 1 || parts_count > max ||
		parts[0].header_offset != 0 ||
		parts[0].header_len + parts[0].body_len != size)
		abort();
	for (size_t i = 0; i < parts_count; i++) {
		check_part(s, size, &parts[i]);
		if (i > 0)
			check_place(parts, i);
	}
	check_sections(parts, parts_count);
	check_imap(s, size, parts, parts_count);
	return 0;
}
