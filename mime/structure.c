/* Splits a message into its MIME parts in one pass; see structure.h. */
#include <string.h>
#include <strings.h>

#include "mime/header.h"
#include "mime/rfc2045.h"
#include "mime/structure.h"

/* A boundary with quoting in it is compared by its first octets only; what
   RFC 2046 allows (70) fits whole. */
#define BOUNDARY_COPY_MAX 128

/* A multipart whose boundary is looked for. */
struct frame {
	uint32_t part;
	char const *boundary;
	size_t boundary_len;
	char copy[BOUNDARY_COPY_MAX];
};

struct parser {
	char const *s;
	size_t len;
	struct structure_part *parts;
	size_t parts_max;
	size_t count;

	size_t pos;
	size_t lines; /* line ends before pos */
	size_t bare;  /* those of them that lack the CR */

	uint32_t current; /* innermost open part */
	size_t header_left;
	void (*passed)(void *arg, size_t pos);
	void *passed_arg;
	size_t passed_pos; /* that it was told last */

	unsigned int frames_count;
	struct frame frames[STRUCTURE_DEPTH_MAX];
};

/* A place in the message and the counters there. */
struct cut {
	size_t end;
	size_t lines;
	size_t bare;
};

static void
tell_passed(struct parser *p)
{
	if (p->passed && p->pos - p->passed_pos >= STRUCTURE_STEP) {
		p->passed_pos = p->pos;
		p->passed(p->passed_arg, p->pos);
	}
}

static void
next_line(struct parser *p)
{
	while (p->pos < p->len) {
		size_t const left = p->len - p->pos;
		size_t const n = left < STRUCTURE_STEP ? left : STRUCTURE_STEP;
		char const *lf = memchr(p->s + p->pos, '\n', n);

		p->pos += n;
		if (lf) {
			p->lines++;
			if (lf == p->s || lf[-1] != '\r')
				p->bare++;
			p->pos = (size_t)(lf - p->s) + 1;
		}
		tell_passed(p);
		if (lf)
			break;
	}
}

/*
 * RFC 2046, 5.1.2: a line is a boundary when it starts with it, whatever
 * follows. Where one boundary is the beginning of another the longer wins.
 */
static struct frame *
match_boundary(struct parser *p, bool *final_r)
{
	char const *line = p->s + p->pos;
	size_t const left = p->len - p->pos;
	struct frame *best = NULL;

	if (left < 3 || line[0] != '-' || line[1] != '-')
		return NULL;
	for (unsigned int i = p->frames_count; i-- > 0;) {
		struct frame *f = &p->frames[i];

		if (f->boundary_len <= left - 2 &&
			(!best || f->boundary_len > best->boundary_len) &&
			memcmp(line + 2, f->boundary, f->boundary_len) == 0)
			best = f;
	}
	if (best) {
		size_t const n = 2 + best->boundary_len;

		*final_r =
			left >= n + 2 && line[n] == '-' && line[n + 1] == '-';
	}
	return best;
}

static struct structure_part *
new_part(struct parser *p, uint32_t parent)
{
	uint32_t const index = (uint32_t)p->count++;
	struct structure_part *part = &p->parts[index];

	*part = (struct structure_part){0};
	part->parent = parent;
	part->child = part->next = STRUCTURE_NONE;
	part->header_offset = part->body_offset = p->pos;
	part->header_lines = part->body_lines = p->lines;
	part->header_size = part->body_size = p->bare;
	if (parent == STRUCTURE_NONE)
		return part;

	struct structure_part *up = &p->parts[parent];
	char type[STRUCTURE_TYPE_MAX];

	part->depth = (uint16_t)(up->depth + 1);
	structure_type(p->s, up, type);
	part->digest = strcmp(type, "multipart/digest") == 0;
	if (up->child == STRUCTURE_NONE)
		up->child = index;
	return part;
}

static void
link_sibling(struct parser *p, uint32_t previous, uint32_t index)
{
	if (previous != STRUCTURE_NONE)
		p->parts[previous].next = index;
}

static void
read_encoding(struct structure_part *part, struct header_field const *field)
{
	static struct {
		char const *name;
		enum structure_encoding encoding;
	} const known[] = {
		{"7bit", STRUCTURE_IDENTITY},
		{"8bit", STRUCTURE_IDENTITY},
		{"binary", STRUCTURE_IDENTITY},
		{"quoted-printable", STRUCTURE_QUOTED_PRINTABLE},
		{"base64", STRUCTURE_BASE64},
		{"x-uuencode", STRUCTURE_UUENCODE},
		{"x-uue", STRUCTURE_UUENCODE},
		{"uuencode", STRUCTURE_UUENCODE},
	};
	size_t const start = rfc2045_skip(field->value, field->value_len, 0);
	size_t const n = rfc2045_token(field->value, field->value_len, start);

	part->encoding = STRUCTURE_UNKNOWN_ENCODING;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strlen(known[i].name) == n &&
			strncasecmp(field->value + start, known[i].name, n) ==
				0)
			part->encoding = (uint8_t)known[i].encoding;
	if (n == 0)
		part->encoding = STRUCTURE_IDENTITY;
}

static void
read_type(struct parser const *p, struct structure_part *part,
	struct header_field const *field)
{
	size_t const base = (size_t)(field->value - p->s);
	size_t params;
	struct structure_span type, subtype;

	if (!rfc2045_type(field->value, field->value_len, &type.offset,
		    &type.len, &subtype.offset, &subtype.len, &params))
		return;
	type.offset += base;
	subtype.offset += base;
	part->type = type;
	part->subtype = subtype;
	part->content_type.offset = base;
	part->content_type.len = field->value_len;
}

/* The first field of a name counts, here as in imap.c. */
static void
read_fields(struct parser const *p, struct structure_part *part)
{
	char const *header = p->s + part->header_offset;
	struct header_field field;
	size_t pos = 0;
	bool have_type = false, have_encoding = false;

	while (header_next(header, part->header_len, &pos, &field) > 0) {
		if (!have_type && header_is(&field, "content-type")) {
			read_type(p, part, &field);
			have_type = true;
		} else if (!have_encoding &&
			   header_is(&field, "content-transfer-encoding")) {
			read_encoding(part, &field);
			have_encoding = true;
		}
	}
}

/* Moves over the header; a boundary in it ends it. False: over the limit. */
static bool
walk_header(struct parser *p, struct structure_part *part)
{
	bool within = true, more = true;

	while (more && p->pos < p->len) {
		struct cut const before = {p->pos, p->lines, p->bare};
		size_t content;
		bool final;

		if (match_boundary(p, &final))
			break;
		next_line(p);
		if (p->pos - part->header_offset > p->header_left) {
			p->pos = before.end;
			p->lines = before.lines;
			p->bare = before.bare;
			within = false;
			break;
		}
		content = p->pos - before.end;
		more = content > 2 ||
		       (content == 2 && p->s[before.end] != '\r') ||
		       (content == 1 && p->s[before.end] != '\n');
	}
	part->header_len = p->pos - part->header_offset;
	part->body_offset = p->pos;
	part->body_lines = p->lines;
	part->body_size = p->bare;
	p->header_left = within ? p->header_left - part->header_len : 0;
	return within;
}

static void
push_frame(struct parser *p, struct structure_part const *part, uint32_t index)
{
	char const *value = p->s + part->content_type.offset;
	size_t const len = part->content_type.len;
	size_t const params = part->subtype.offset + part->subtype.len -
			      part->content_type.offset;
	struct rfc2045_param param;
	struct frame *f = &p->frames[p->frames_count];

	if (!rfc2045_find(value, len, params, "boundary", &param) ||
		param.value_len == 0)
		return;
	f->part = index;
	f->boundary = param.value;
	f->boundary_len = param.value_len;
	if (memchr(param.value, '\\', param.value_len) ||
		memchr(param.value, '\n', param.value_len)) {
		if (param.value_len > BOUNDARY_COPY_MAX)
			param.value_len = BOUNDARY_COPY_MAX;
		f->boundary = f->copy;
		f->boundary_len = rfc2045_value(&param, f->copy);
	}
	if (f->boundary_len > 0)
		p->frames_count++;
}

/* Opens the part that starts at pos, and the messages nested at its start. */
static void
open_part(struct parser *p, uint32_t parent, uint32_t previous)
{
	for (;;) {
		uint32_t const index = (uint32_t)p->count;
		struct structure_part *part = new_part(p, parent);
		bool const within = walk_header(p, part);

		link_sibling(p, previous, index);
		p->current = index;
		read_fields(p, part);

		bool const message =
			structure_is(p->s, part, "message/rfc822") ||
			structure_is(p->s, part, "message/global");

		if (!message && !structure_is(p->s, part, "multipart/"))
			return;
		if (!within || part->depth + 1 >= STRUCTURE_DEPTH_MAX ||
			p->count >= p->parts_max || p->header_left == 0) {
			part->opaque = true;
			return;
		}
		if (!message) {
			part->kind = STRUCTURE_MULTIPART;
			push_frame(p, part, index);
			return;
		}
		part->kind = STRUCTURE_MESSAGE;
		parent = index;
		previous = STRUCTURE_NONE;
	}
}

/* The counters at the part's start become sizes. */
static void
close_part(struct parser *p, uint32_t index, struct cut const *cut)
{
	struct structure_part *part = &p->parts[index];

	if (part->body_offset > cut->end) {
		part->body_offset = cut->end;
		part->body_lines = cut->lines;
		part->body_size = cut->bare;
	}
	if (part->header_offset > cut->end) {
		part->header_offset = cut->end;
		part->header_lines = cut->lines;
		part->header_size = cut->bare;
	}
	part->header_len = part->body_offset - part->header_offset;
	part->body_len = cut->end - part->body_offset;
	part->header_lines = part->body_lines - part->header_lines;
	part->header_size =
		part->header_len + part->body_size - part->header_size;
	part->body_lines = cut->lines - part->body_lines;
	part->body_size = part->body_len + cut->bare - part->body_size;

	if (part->kind == STRUCTURE_MULTIPART &&
		part->child == STRUCTURE_NONE) {
		struct structure_part *child = new_part(p, index);

		child->header_offset = child->body_offset = cut->end;
		child->header_lines = child->header_size = 0;
		child->body_lines = child->body_size = 0;
		child->made_up = true;
	}
}

/* Closes the open parts up to, not including, `until`. */
static void
close_parts(struct parser *p, uint32_t until, struct cut const *cut)
{
	while (p->current != until) {
		uint32_t const index = p->current;

		p->current = p->parts[index].parent;
		close_part(p, index, cut);
	}
}

/* The child of `parent` that is open or was last; STRUCTURE_NONE if none. */
static uint32_t
open_child(struct parser const *p, uint32_t parent)
{
	uint32_t i = p->current;

	while (i != STRUCTURE_NONE && i != parent) {
		if (p->parts[i].parent == parent)
			return i;
		i = p->parts[i].parent;
	}
	return STRUCTURE_NONE;
}

/* The line end before a boundary belongs to the boundary. */
static struct cut
cut_before_boundary(struct parser const *p, uint32_t child)
{
	struct cut cut = {p->pos, p->lines, p->bare};

	if (child == STRUCTURE_NONE || p->pos <= p->parts[child].header_offset)
		return cut;
	cut.end--;
	cut.lines--;
	if (cut.end > p->parts[child].header_offset &&
		p->s[cut.end - 1] == '\r')
		cut.end--;
	else
		cut.bare--;
	return cut;
}

static bool
has_room(struct parser const *p)
{
	struct structure_part const *part = &p->parts[p->current];
	bool const childless = part->kind == STRUCTURE_MULTIPART &&
			       part->child == STRUCTURE_NONE;

	/* A multipart that closes without a child is given one. */
	return p->header_left > 0 &&
	       p->parts_max - p->count >= (childless ? 2 : 1);
}

static void
at_boundary(struct parser *p, struct frame const *f, bool final)
{
	uint32_t const multipart = f->part;
	uint32_t const child = open_child(p, multipart);
	struct cut const cut = cut_before_boundary(p, child);

	if (!final && !has_room(p)) {
		p->frames_count = 0;
		return;
	}
	close_parts(p, multipart, &cut);
	p->frames_count = (unsigned int)(f - p->frames) + (final ? 0 : 1);
	next_line(p);
	if (!final)
		open_part(p, multipart, child);
}

size_t
structure_parse(char const *s, size_t len, struct structure_part *parts,
	size_t parts_max)
{
	return structure_parse_passing(s, len, parts, parts_max, NULL, NULL);
}

size_t
structure_parse_passing(char const *s, size_t len, struct structure_part *parts,
	size_t parts_max, void (*passed)(void *arg, size_t pos), void *arg)
{
	struct parser p;

	p.s = s;
	p.len = len;
	p.parts = parts;
	p.parts_max = parts_max < STRUCTURE_PARTS_MAX ? parts_max
						      : STRUCTURE_PARTS_MAX;
	p.count = p.pos = p.lines = p.bare = 0;
	p.header_left = STRUCTURE_HEADER_MAX;
	p.frames_count = 0;
	p.passed = passed;
	p.passed_arg = arg;
	p.passed_pos = 0;

	open_part(&p, STRUCTURE_NONE, STRUCTURE_NONE);
	while (p.pos < p.len) {
		bool final = false;
		struct frame const *f = match_boundary(&p, &final);

		if (f)
			at_boundary(&p, f, final);
		else
			next_line(&p);
	}

	struct cut const end = {p.pos, p.lines, p.bare};

	close_parts(&p, STRUCTURE_NONE, &end);
	return p.count;
}

static size_t
copy_lower(char *out, size_t max, char const *s, size_t len)
{
	if (len > max)
		len = max;
	for (size_t i = 0; i < len; i++)
		out[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
	return len;
}

void
structure_type(char const *s, struct structure_part const *part, char *out)
{
	size_t const half = STRUCTURE_TYPE_MAX / 2 - 1;

	if (part->type.len == 0) {
		strcpy(out, part->digest ? "message/rfc822" : "text/plain");
		return;
	}

	size_t n = copy_lower(out, half, s + part->type.offset, part->type.len);

	out[n++] = '/';
	n += copy_lower(
		out + n, half, s + part->subtype.offset, part->subtype.len);
	out[n] = '\0';
}

bool
structure_is(char const *s, struct structure_part const *part, char const *type)
{
	char own[STRUCTURE_TYPE_MAX];
	size_t const n = strlen(type);

	structure_type(s, part, own);
	if (n > 0 && type[n - 1] == '/')
		return strncmp(own, type, n) == 0;
	return strcmp(own, type) == 0;
}
