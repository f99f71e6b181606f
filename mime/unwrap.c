/* Takes encoded messages out of their encoding; see unwrap.h. */
#include <stdlib.h>
#include <string.h>

#include "mime/body.h"
#include "mime/unwrap.h"

struct unwrap {
	struct message *m;
	struct structure_part *parts; /* of the message just parsed */
	size_t room;		      /* octets that may still be decoded */
	unsigned int left;	      /* messages */
};

/* Behind the last part that is in part i. */
static size_t
end_of(struct message const *m, size_t i)
{
	size_t end = i + 1;

	while (end < m->count && m->parts[end].depth > m->parts[i].depth)
		end++;
	return end;
}

static void
shift_index(uint32_t *index, size_t from, ptrdiff_t by)
{
	if (*index != STRUCTURE_NONE && *index >= from)
		*index = (uint32_t)((ptrdiff_t)*index + by);
}

static void
shift_text(struct structure_part *part, size_t by)
{
	part->header_offset += by;
	part->body_offset += by;
	part->content_type.offset += by;
	part->type.offset += by;
	part->subtype.offset += by;
}

/* Put count parts into the place of those in part i. */
static void
replace(struct unwrap *u, size_t i, size_t count, size_t text_offset)
{
	struct message *const m = u->m;
	size_t const end = end_of(m, i);
	ptrdiff_t const by = (ptrdiff_t)(i + 1 + count) - (ptrdiff_t)end;

	memmove(m->parts + i + 1 + count, m->parts + end,
		(m->count - end) * sizeof m->parts[0]);
	m->count = (size_t)((ptrdiff_t)m->count + by);
	for (size_t k = 0; k < m->count; k++) {
		if (k > i && k <= i + count)
			continue;
		shift_index(&m->parts[k].parent, end, by);
		shift_index(&m->parts[k].child, end, by);
		shift_index(&m->parts[k].next, end, by);
	}
	for (size_t k = 0; k < count; k++) {
		struct structure_part *const part = &m->parts[i + 1 + k];

		*part = u->parts[k];
		shift_index(&part->parent, 0, (ptrdiff_t)i + 1);
		shift_index(&part->child, 0, (ptrdiff_t)i + 1);
		shift_index(&part->next, 0, (ptrdiff_t)i + 1);
		part->depth = (uint16_t)(part->depth + m->parts[i].depth + 1);
		shift_text(part, text_offset);
	}
	if (count > 0)
		m->parts[i + 1].parent = (uint32_t)i;
	m->parts[i].child = count > 0 ? (uint32_t)i + 1 : STRUCTURE_NONE;
}

static bool
fits(struct unwrap const *u, size_t i, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (u->parts[k].depth + u->m->parts[i].depth + 1 >=
			STRUCTURE_DEPTH_MAX)
			return false;
	return true;
}

static void
make_leaf(struct unwrap *u, size_t i)
{
	replace(u, i, 0, 0);
	u->m->parts[i].kind = STRUCTURE_LEAF;
	u->m->parts[i].opaque = true;
}

static bool
unwrap_part(struct unwrap *u, size_t i)
{
	struct message *const m = u->m;
	size_t const start = m->text.len;
	size_t const inside = end_of(m, i) - i - 1;
	size_t count, len;
	stralloc body = STRALLOC_ZERO;
	bool ok;

	/* A map cannot grow. */
	if (m->mapped > 0 || u->left == 0 || m->parts[i].body_len > u->room) {
		make_leaf(u, i);
		return true;
	}
	u->left--;
	/* Apart at first: the text moves when it grows. */
	ok = body_octets(m, &m->parts[i], body_append, &body) &&
	     stralloc_catb(&m->text, body.s ? body.s : "", body.len);
	stralloc_free(&body);
	if (!ok)
		return false;
	len = m->text.len - start;
	u->room -= len < u->room ? len : u->room;
	count = structure_parse(m->text.s + start, len, u->parts,
		STRUCTURE_PARTS_MAX - (m->count - inside));
	if (fits(u, i, count))
		replace(u, i, count, start);
	else
		make_leaf(u, i);
	return true;
}

bool
message_unwrap(struct message *m)
{
	struct unwrap u = {.m = m, .room = 2 * m->text.len, .left = UNWRAP_MAX};
	bool ok = true;

	for (size_t i = 0; ok && i < m->count; i++) {
		struct structure_part const *part = &m->parts[i];

		if (part->kind != STRUCTURE_MESSAGE ||
			part->encoding == STRUCTURE_IDENTITY ||
			part->encoding == STRUCTURE_UNKNOWN_ENCODING)
			continue;
		if (!u.parts)
			u.parts =
				malloc(STRUCTURE_PARTS_MAX * sizeof u.parts[0]);
		ok = u.parts && unwrap_part(&u, i);
	}
	free(u.parts);
	return ok;
}
