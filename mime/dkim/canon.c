/* Canonicalization: see canon.h. */
#include "mime/dkim/canon.h"

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

struct piece {
	canon_sink *sink;
	void *data;
	size_t used;
	char buffer[512];
};

static void
flush_piece(struct piece *p)
{
	if (p->used > 0)
		p->sink(p->data, p->buffer, p->used);
	p->used = 0;
}

static void
add(struct piece *p, char c)
{
	if (p->used == sizeof p->buffer)
		flush_piece(p);
	p->buffer[p->used++] = c;
}

static void
simple_field(struct piece *p, char const *s, size_t len, size_t skip,
	size_t skip_end)
{
	for (size_t i = 0; i < len; i++)
		if (i < skip || i >= skip_end)
			add(p, s[i]);
}

/* RFC 6376 3.4.2. */
static void
relaxed_field(struct piece *p, struct header_field const *field, size_t len,
	size_t skip, size_t skip_end)
{
	size_t value = (size_t)(field->value - field->line);
	bool has_text = false, has_blank = false;

	for (size_t i = 0; i < field->name_len; i++)
		add(p, lower(field->name[i]));
	add(p, ':');
	for (size_t i = value; i < len; i++) {
		char c = field->line[i];
		if (i >= skip && i < skip_end)
			continue;
		if (c == '\r' || c == '\n')
			continue;
		if (c == ' ' || c == '\t') {
			has_blank = true;
			continue;
		}
		if (has_blank && has_text)
			add(p, ' ');
		has_blank = false;
		has_text = true;
		add(p, c);
	}
}

void
canon_field(bool is_relaxed, struct header_field const *field, size_t skip,
	size_t skip_end, bool with_end, canon_sink *sink, void *data)
{
	struct piece p = {.sink = sink, .data = data};
	size_t len = field->line_len;

	if (len > 0 && field->line[len - 1] == '\n')
		len--;
	if (len > 0 && field->line[len - 1] == '\r')
		len--;
	if (is_relaxed)
		relaxed_field(&p, field, len, skip, skip_end);
	else
		simple_field(&p, field->line, len, skip, skip_end);
	if (with_end) {
		add(&p, '\r');
		add(&p, '\n');
	}
	flush_piece(&p);
}

void
canon_body_init(
	struct canon_body *c, bool is_relaxed, canon_sink *sink, void *data)
{
	c->is_relaxed = is_relaxed;
	c->has_cr = c->has_blank = c->has_text = false;
	c->line_ends = c->used = 0;
	c->sink = sink;
	c->data = data;
}

static void
out(struct canon_body *c, char octet)
{
	if (c->used == sizeof c->buffer) {
		c->sink(c->data, c->buffer, c->used);
		c->used = 0;
	}
	c->buffer[c->used++] = octet;
}

static void
put(struct canon_body *c, char octet)
{
	if (c->is_relaxed && (octet == ' ' || octet == '\t')) {
		c->has_blank = true;
		return;
	}
	for (; c->line_ends > 0; c->line_ends--) {
		out(c, '\r');
		out(c, '\n');
	}
	if (c->has_blank)
		out(c, ' ');
	c->has_blank = false;
	c->has_text = true;
	out(c, octet);
}

void
canon_body_push(struct canon_body *c, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (c->has_cr) {
			c->has_cr = false;
			if (s[i] == '\n') {
				c->has_blank = false;
				c->line_ends++;
				continue;
			}
			put(c, '\r');
		}
		if (s[i] == '\r')
			c->has_cr = true;
		else
			put(c, s[i]);
	}
}

void
canon_body_finish(struct canon_body *c)
{
	if (c->has_cr)
		put(c, '\r');
	c->has_cr = false;
	/* RFC 6376 3.4.3 and 3.4.4: an empty body is one line end in the
	 * simple form and nothing in the relaxed one. */
	if (c->has_text || !c->is_relaxed) {
		out(c, '\r');
		out(c, '\n');
	}
	if (c->used > 0)
		c->sink(c->data, c->buffer, c->used);
	c->used = 0;
}
