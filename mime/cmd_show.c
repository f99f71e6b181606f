/* mime show: a message to be read on a terminal. */
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/decode.h"
#include "mime/rfc2231.h"
#include "mime/terminal.h"

/* Bodies are decoded in pieces of this size. */
#define PIECE 4096

static bool
put_header(struct message const *m, stralloc *out)
{
	static char const *const names[] = {"From", "Sender", "Reply-To", "To",
		"Cc", "Bcc", "Date", "Subject"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct header_field field;

		if (!message_field(m, &m->parts[0], names[i], &field))
			continue;
		if (!stralloc_cats(out, names[i]) ||
			!stralloc_cats(out, ": ") ||
			!cmd_headers_value(&field, out) ||
			!stralloc_cats(out, "\n"))
			return false;
	}
	return true;
}

/* Body octets on their way to the terminal. */
struct pipe {
	struct decode decode;
	struct charset_decoder charset;
	struct terminal terminal;
	stralloc utf8;
	stralloc *out;
	char last; /* octet that went out */
};

static bool
flush(struct pipe *p)
{
	if (p->out->len > 0)
		p->last = p->out->s[p->out->len - 1];
	return command_flush(p->out, false);
}

static bool
push_octets(struct pipe *p, char const *s, size_t len)
{
	p->utf8.len = 0;
	return charset_push(&p->charset, s, len, &p->utf8) &&
	       terminal_push(&p->terminal, p->utf8.s, p->utf8.len, p->out);
}

static bool
run_pipe(struct pipe *p, char const *s, size_t len)
{
	char buf[DECODE_ROOM(PIECE)];

	for (size_t pos = 0; pos < len; pos += PIECE) {
		size_t const n = len - pos < PIECE ? len - pos : PIECE;

		if (!push_octets(
			    p, buf, decode_push(&p->decode, s + pos, n, buf)) ||
			!flush(p))
			return false;
	}
	if (!push_octets(p, buf, decode_finish(&p->decode, buf)))
		return false;
	p->utf8.len = 0;
	return charset_finish(&p->charset, &p->utf8) &&
	       terminal_push(&p->terminal, p->utf8.s, p->utf8.len, p->out);
}

static bool
put_body(struct message const *m, struct structure_part const *part,
	stralloc *out)
{
	stralloc charset = STRALLOC_ZERO;
	struct pipe p = {.out = out};
	bool ok = part->content_type.len == 0 ||
		  rfc2231_find(m->text.s + part->content_type.offset,
			  part->content_type.len,
			  part->subtype.offset + part->subtype.len -
				  part->content_type.offset,
			  "charset", &charset) >= 0;

	if (ok) {
		decode_init(&p.decode, (enum structure_encoding)part->encoding);
		charset_init(&p.charset, charset.s, charset.len);
		ok = run_pipe(
			&p, m->text.s + part->body_offset, part->body_len);
	}
	if (ok && p.last != '\n')
		ok = stralloc_cats(out, "\n");
	stralloc_free(&charset);
	stralloc_free(&p.utf8);
	return ok;
}

static bool
is_text(struct message const *m, struct structure_part const *part,
	char const *type)
{
	return part->kind == STRUCTURE_LEAF && !part->opaque &&
	       structure_is(m->text.s, part, type) &&
	       !message_is_attachment(m, part);
}

/* Plain text where there is any, else whatever text there is. */
static char const *
type_to_show(struct message const *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (is_text(m, &m->parts[i], "text/plain"))
			return "text/plain";
	return "text/";
}

static bool
put_parts(struct message const *m, stralloc *out)
{
	for (size_t i = 0; i < m->count; i++) {
		if (!stralloc_cats(out, "[") || !cmd_parts_line(m, i, out))
			return false;
		out->len--; /* its newline */
		if (!stralloc_cats(out, "]\n") || !command_flush(out, false))
			return false;
	}
	return stralloc_cats(out, "\n");
}

bool
cmd_show(struct message const *m, stralloc *out)
{
	char const *type = type_to_show(m);

	if (!put_header(m, out) || !stralloc_cats(out, "\n") ||
		(m->count > 1 && !put_parts(m, out)))
		return false;
	for (size_t i = 0; i < m->count; i++)
		if (is_text(m, &m->parts[i], type) &&
			!put_body(m, &m->parts[i], out))
			return false;
	return true;
}
