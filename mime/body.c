/* Decodes the bodies of parts; see body.h. */
#include <strings.h>

#include "mime/body.h"
#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/flowed.h"
#include "mime/rfc2231.h"

/* Bodies are decoded in pieces of this size. */
#define PIECE 4096

bool
body_octets(struct message const *m, struct structure_part const *part,
	body_sink *sink, void *arg)
{
	char const *const s = m->text.s + part->body_offset;
	char buf[DECODE_ROOM(PIECE)];
	struct decode decode;
	size_t n;

	decode_init(&decode, (enum structure_encoding)part->encoding);
	for (size_t pos = 0; pos < part->body_len; pos += PIECE) {
		size_t const left = part->body_len - pos;

		if (pos % STRUCTURE_STEP == 0)
			message_passed(m, part->body_offset + pos);
		n = decode_push(
			&decode, s + pos, left < PIECE ? left : PIECE, buf);
		if (n > 0 && !sink(arg, buf, n))
			return false;
	}
	n = decode_finish(&decode, buf);
	return n == 0 || sink(arg, buf, n);
}

/* From octets to text. */
struct text {
	struct charset_decoder charset;
	struct flowed flowed;
	bool is_flowed;
	stralloc utf8, joined;
	struct body_hole const *holes; /* those to come */
	size_t holes_count;
	uint64_t at;
	body_sink *sink;
	void *arg;
};

static bool
pass_on(struct text *t)
{
	stralloc *const out = t->is_flowed ? &t->joined : &t->utf8;

	if (t->is_flowed &&
		!flowed_push(&t->flowed, t->utf8.s, t->utf8.len, &t->joined))
		return false;
	t->utf8.len = t->is_flowed ? 0 : t->utf8.len;
	if (out->len > 0 && !t->sink(t->arg, out->s, out->len))
		return false;
	out->len = 0;
	return true;
}

static bool
push_text(void *arg, char const *s, size_t len)
{
	struct text *const t = arg;

	return charset_push(&t->charset, s, len, &t->utf8) && pass_on(t);
}

static bool
push_around_holes(void *arg, char const *s, size_t len)
{
	struct text *const t = arg;

	while (len > 0) {
		bool const more = t->holes_count > 0;
		bool const in = more && t->at >= t->holes->start;
		uint64_t const stop =
			!more ? UINT64_MAX
			      : (in ? t->holes->end : t->holes->start);
		size_t const n =
			stop - t->at < len ? (size_t)(stop - t->at) : len;

		if (!in && n > 0 && !push_text(t, s, n))
			return false;
		t->at += n;
		s += n;
		len -= n;
		if (in && t->at >= stop) {
			t->holes++;
			t->holes_count--;
		}
	}
	return true;
}

static bool
finish_text(struct text *t)
{
	if (!charset_finish(&t->charset, &t->utf8) || !pass_on(t))
		return false;
	if (!t->is_flowed)
		return true;
	return flowed_finish(&t->flowed, &t->joined) &&
	       (t->joined.len == 0 ||
		       t->sink(t->arg, t->joined.s, t->joined.len));
}

int
body_parameter(struct message const *m, struct structure_part const *part,
	char const *name, stralloc *out)
{
	if (part->content_type.len == 0)
		return 0;
	return rfc2231_find(m->text.s + part->content_type.offset,
		part->content_type.len,
		part->subtype.offset + part->subtype.len -
			part->content_type.offset,
		name, out);
}

/* Has a parameter this value, case aside? -1: memory is out. */
static int
parameter_is(struct message const *m, struct structure_part const *part,
	char const *name, char const *value, stralloc *scratch)
{
	scratch->len = 0;
	if (body_parameter(m, part, name, scratch) < 0 || !stralloc_0(scratch))
		return -1;
	return strcasecmp(scratch->s, value) == 0;
}

static bool
start_text(struct message const *m, struct structure_part const *part,
	struct text *t)
{
	stralloc value = STRALLOC_ZERO;
	int flowed, delete_space;
	bool ok = false;

	if (body_parameter(m, part, "charset", &value) < 0)
		goto done;
	charset_init(&t->charset, value.s, value.len);
	flowed = structure_is(m->text.s, part, "text/plain")
			 ? parameter_is(m, part, "format", "flowed", &value)
			 : 0;
	delete_space = parameter_is(m, part, "delsp", "yes", &value);
	if (flowed < 0 || delete_space < 0)
		goto done;
	t->is_flowed = flowed > 0;
	t->flowed.delete_space = delete_space > 0;
	ok = true;
done:
	stralloc_free(&value);
	return ok;
}

bool
body_text_without(struct message const *m, struct structure_part const *part,
	struct body_hole const *holes, size_t count, body_sink *sink, void *arg)
{
	struct text t = {
		.holes = holes, .holes_count = count, .sink = sink, .arg = arg};
	bool const ok =
		start_text(m, part, &t) &&
		body_octets(m, part, count > 0 ? push_around_holes : push_text,
			&t) &&
		finish_text(&t);

	stralloc_free(&t.utf8);
	stralloc_free(&t.joined);
	stralloc_free(&t.flowed.line);
	return ok;
}

bool
body_text(struct message const *m, struct structure_part const *part,
	body_sink *sink, void *arg)
{
	return body_text_without(m, part, NULL, 0, sink, arg);
}

bool
body_append(void *arg, char const *s, size_t len)
{
	return stralloc_catb(arg, s, len);
}

bool
body_is_shown(struct message const *m, struct structure_part const *part,
	char const *type)
{
	return part->kind == STRUCTURE_LEAF && !part->opaque &&
	       structure_is(m->text.s, part, type) &&
	       !message_is_attachment(m, part);
}

char const *
body_type_shown(struct message const *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (body_is_shown(m, &m->parts[i], "text/plain"))
			return "text/plain";
	return "text/";
}
