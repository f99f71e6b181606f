/* Files in the texts of a message; see uufiles.h. */
#include <string.h>

#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/uufiles.h"

#define PIECE 4096

static bool
push_to_find(void *arg, char const *s, size_t len)
{
	return uutext_push(arg, s, len);
}

/*
 * Can there be one at all? Spares nearly every text the decoding. A word of
 * plain letters is in quoted-printable as it is.
 */
static bool
may_have_one(struct message const *m, struct structure_part const *part)
{
	static char const word[] = "begin";
	char const *const s = m->text.s + part->body_offset;
	bool found = part->encoding == STRUCTURE_BASE64;

	for (size_t pos = 0; !found && pos < part->body_len;
		pos += STRUCTURE_STEP) {
		size_t const left = part->body_len - pos;
		size_t const most = STRUCTURE_STEP + sizeof word - 2;

		message_passed(m, part->body_offset + pos);
		found = memmem(s + pos, left < most ? left : most, word,
				sizeof word - 1) != NULL;
	}
	return found;
}

bool
uufiles_find(struct message const *m, struct structure_part const *part,
	struct uutext *u)
{
	uutext_free(u);
	if (part->encoding == STRUCTURE_UUENCODE ||
		!body_is_shown(m, part, "text/plain") || !may_have_one(m, part))
		return true;
	return body_octets(m, part, push_to_find, u) && uutext_finish(u);
}

bool
uufiles_text(struct message const *m, struct structure_part const *part,
	body_sink *sink, void *arg)
{
	struct uutext u = {0};
	struct body_hole *holes = NULL;
	genalloc all = GENALLOC_ZERO;
	bool ok = uufiles_find(m, part, &u);

	for (size_t k = 0; ok && k < uutext_count(&u); k++) {
		struct uutext_file const *const file = uutext_get(&u, k);
		struct body_hole const hole = {file->start, file->end};

		ok = genalloc_append(struct body_hole, &all, &hole);
	}
	holes = genalloc_s(struct body_hole, &all);
	ok = ok &&
	     body_text_without(m, part, holes, uutext_count(&u), sink, arg);
	genalloc_free(struct body_hole, &all);
	uutext_free(&u);
	return ok;
}

/* The lines of one file on their way to its octets. */
struct cut {
	uint64_t at, start, end;
	struct decode decode;
	body_sink *sink;
	void *arg;
};

static bool
push_lines(struct cut *c, char const *s, size_t len)
{
	char buf[DECODE_ROOM(PIECE)];

	for (size_t pos = 0; pos < len; pos += PIECE) {
		size_t const left = len - pos;
		size_t const n = decode_push(
			&c->decode, s + pos, left < PIECE ? left : PIECE, buf);

		if (n > 0 && !c->sink(c->arg, buf, n))
			return false;
	}
	return true;
}

static bool
push_text(void *arg, char const *s, size_t len)
{
	struct cut *const c = arg;
	uint64_t const from = c->start > c->at ? c->start - c->at : 0;
	uint64_t const to = c->end > c->at ? c->end - c->at : 0;

	c->at += len;
	if (from >= len || to <= from)
		return true;
	return push_lines(
		c, s + from, (to < len ? (size_t)to : len) - (size_t)from);
}

bool
uufiles_octets(struct message const *m, struct structure_part const *part,
	struct uutext_file const *file, body_sink *sink, void *arg)
{
	struct cut c = {.start = file->start,
		.end = file->end,
		.sink = sink,
		.arg = arg};

	decode_init(&c.decode, STRUCTURE_UUENCODE);
	/* As it stands in the message, as a rule. */
	if ((part->encoding == STRUCTURE_IDENTITY ||
		    part->encoding == STRUCTURE_UNKNOWN_ENCODING) &&
		file->end <= part->body_len)
		return push_lines(&c,
			m->text.s + part->body_offset + (size_t)file->start,
			(size_t)(file->end - file->start));
	return body_octets(m, part, push_text, &c);
}

bool
uufiles_name(struct uutext const *u, size_t k, stralloc *out)
{
	struct uutext_file const *const file = uutext_get(u, k);

	return charset_to_utf8(
		"", 0, u->names.s + file->name, file->name_len, out);
}
