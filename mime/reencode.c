/* A message made fit for a host that takes no 8BITMIME: see reencode.h. */
#include <string.h>
#include <strings.h>
#include "mime/header.h"
#include "mime/rfc2045.h"
#include "mime/reencode.h"

/* RFC 5322 2.1.1, without the line end. */
#define LINE_MAX_OCTETS 998
/* RFC 2045 6.7, 6.8. */
#define ENCODED_LINE 76

static char const hex[] = "0123456789ABCDEF";

static void
rewind_to_start(struct reencode *c)
{
	c->in_header = true;
	c->is_nested = false;
	c->header.len = 0;
	c->depth = c->nesting = c->part = c->column = c->group_len = 0;
	c->mode = REENCODE_PASS;
	c->has_line_end = c->is_inside = false;
	c->line_len = 0;
}

void
reencode_start(struct reencode *c, bool keep_8bit, bool keep_header)
{
	*c = (struct reencode){
		.keep_8bit = keep_8bit, .keep_header = keep_header};
	rewind_to_start(c);
}

void
reencode_write(struct reencode *c, reencode_put *put, void *data)
{
	c->is_writing = true;
	c->put = put;
	c->data = data;
	rewind_to_start(c);
}

void
reencode_free(struct reencode *c)
{
	stralloc_free(&c->header);
}

static void
put(struct reencode *c, char const *s, size_t len)
{
	if (c->is_writing && len > 0)
		c->put(c->data, s, len);
}

static void
put_text(struct reencode *c, char const *s)
{
	put(c, s, strlen(s));
}

static bool
has_8bit(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 128)
			return true;
	return false;
}

/* Octets of a piece without its line end. */
static size_t
content_len(char const *s, size_t len)
{
	if (len > 0 && s[len - 1] == '\n')
		len--;
	else
		return len;
	return len > 0 && s[len - 1] == '\r' ? len - 1 : len;
}

static bool
part_needs(struct reencode const *c)
{
	return c->needs[c->part / 8] & 1u << c->part % 8;
}

/* The first time: whether the leaf holds what the host can't take. */
static void
look(struct reencode *c, char const *s, size_t len)
{
	size_t content = content_len(s, len);
	bool bad = !c->keep_8bit && has_8bit(s, content);

	for (size_t i = 0; i < content && !bad; i++)
		bad = s[i] == '\0' || s[i] == '\r';
	c->column += content;
	bad = bad || c->column > LINE_MAX_OCTETS ||
	      (len > content && s[len - 1] == '\n' &&
		      len - content == 1); /* a bare LF */
	if (len > content)
		c->column = 0;
	if (!bad)
		return;
	c->needs[c->part / 8] =
		(unsigned char)(c->needs[c->part / 8] | 1u << c->part % 8);
	c->is_needed = true;
}

static void
soft_break(struct reencode *c, size_t width)
{
	if (c->column + width < ENCODED_LINE)
		return;
	put_text(c, "=\r\n");
	c->column = 0;
}

static void
put_qp(struct reencode *c, char const *s, size_t len)
{
	size_t content = content_len(s, len);

	for (size_t i = 0; i < content; i++) {
		unsigned char x = (unsigned char)s[i];
		bool blank = x == ' ' || x == '\t';
		bool last = i + 1 == content;
		if ((x > ' ' && x < 127 && x != '=') || (blank && !last)) {
			soft_break(c, 1);
			put(c, s + i, 1);
			c->column++;
		} else {
			char text[3] = {'=', hex[x >> 4], hex[x & 15]};
			soft_break(c, 3);
			put(c, text, 3);
			c->column += 3;
		}
	}
	if (len > content) {
		put_text(c, "\r\n");
		c->column = 0;
	}
}

static void
put_group(struct reencode *c)
{
	static char const letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char *g = c->group;
	size_t n = c->group_len;
	char text[4];

	for (size_t i = n; i < 3; i++)
		g[i] = 0;
	text[0] = letters[g[0] >> 2];
	text[1] = letters[(g[0] & 3) << 4 | g[1] >> 4];
	text[2] = n > 1 ? letters[(g[1] & 15) << 2 | g[2] >> 6] : '=';
	text[3] = n > 2 ? letters[g[2] & 63] : '=';
	put(c, text, 4);
	c->group_len = 0;
	c->column += 4;
	if (c->column == ENCODED_LINE) {
		put_text(c, "\r\n");
		c->column = 0;
	}
}

static void
put_octets(struct reencode *c, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		c->group[c->group_len++] = (unsigned char)s[i];
		if (c->group_len == 3)
			put_group(c);
	}
}

static void
put_base64(struct reencode *c, char const *s, size_t len)
{
	bool ends = len >= 2 && memcmp(s + len - 2, "\r\n", 2) == 0;

	if (c->has_line_end)
		put_octets(c, "\r\n", 2);
	c->has_line_end = ends;
	put_octets(c, s, ends ? len - 2 : len);
}

/* What stands between parts, and is for nobody. */
static void
put_clean(struct reencode *c, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(c, (unsigned char)s[i] < 128 ? s + i : "?", 1);
}

static void
leaf_data(struct reencode *c, char const *s, size_t len)
{
	if (!c->is_writing) {
		if (c->mode == REENCODE_PASS)
			look(c, s, len);
		return;
	}
	switch (c->mode) {
	case REENCODE_PASS:
		put(c, s, len);
		break;
	case REENCODE_CLEAN:
		put_clean(c, s, len);
		break;
	case REENCODE_QP:
		put_qp(c, s, len);
		break;
	case REENCODE_BASE64:
		put_base64(c, s, len);
		break;
	}
}

static void
end_leaf(struct reencode *c, bool message_ends)
{
	if (c->mode == REENCODE_BASE64) {
		if (message_ends && c->has_line_end)
			put_octets(c, "\r\n", 2);
		if (c->group_len > 0)
			put_group(c);
		if (c->column > 0)
			put_text(c, "\r\n");
	}
	c->has_line_end = false;
	c->column = 0;
}

/* What a header says of its body. */
struct type {
	bool is_multipart, is_message, is_text, is_identity, has_encoding;
	bool has_type, has_version;
	char boundary[REENCODE_BOUNDARY_MAX];
	size_t boundary_len;
};

static void
read_type(struct header_field const *f, struct type *t)
{
	size_t type, type_len, subtype, subtype_len, pos;
	struct rfc2045_param p;

	if (!rfc2045_type(f->value, f->value_len, &type, &type_len, &subtype,
		    &subtype_len, &pos))
		return;
	t->has_type = true;
	t->is_text =
		type_len == 4 && strncasecmp(f->value + type, "text", 4) == 0;
	t->is_message = type_len == 7 &&
			strncasecmp(f->value + type, "message", 7) == 0 &&
			subtype_len == 6 &&
			strncasecmp(f->value + subtype, "rfc822", 6) == 0;
	t->is_multipart =
		type_len == 9 &&
		strncasecmp(f->value + type, "multipart", 9) == 0 &&
		rfc2045_find(f->value, f->value_len, pos, "boundary", &p) &&
		p.value_len > 0 && p.value_len <= sizeof t->boundary;
	if (t->is_multipart)
		t->boundary_len = rfc2045_value(&p, t->boundary);
}

static bool
is_identity(struct header_field const *f)
{
	static char const *const names[] = {"7bit", "8bit", "binary"};
	size_t at = rfc2045_skip(f->value, f->value_len, 0);
	size_t n = rfc2045_token(f->value, f->value_len, at);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == n &&
			strncasecmp(f->value + at, names[i], n) == 0)
			return true;
	return false;
}

static struct type
read_header(struct reencode const *c)
{
	struct type t = {.is_text = true, .is_identity = true};
	struct header_field f;

	if (header_find(c->header.s, c->header.len, "Content-Type", &f)) {
		t.is_text = false;
		read_type(&f, &t);
	}
	if (header_find(c->header.s, c->header.len, "Content-Transfer-Encoding",
		    &f)) {
		t.has_encoding = true;
		t.is_identity = is_identity(&f);
	}
	t.has_version =
		header_find(c->header.s, c->header.len, "MIME-Version", &f);
	/* What is encoded as a whole is a leaf (RFC 2045 6.4 forbids it). */
	t.is_multipart = t.is_multipart && t.is_identity;
	t.is_message = t.is_message && t.is_identity;
	return t;
}

/* The header with another encoding; NULL: as it is. */
static void
put_header(struct reencode *c, struct type const *t, char const *encoding)
{
	struct header_field f;
	size_t pos = 0;

	if (encoding == NULL) {
		put(c, c->header.s, c->header.len);
		return;
	}
	while (header_next(c->header.s, c->header.len, &pos, &f) > 0)
		if (!header_is(&f, "Content-Transfer-Encoding"))
			put(c, f.line, f.line_len);
	if (!c->is_nested && !t->has_version)
		put_text(c, "MIME-Version: 1.0\r\n");
	/* RFC 1428: nobody knows what it is. */
	if (!t->has_type && !c->keep_8bit)
		put_text(c, "Content-Type: text/plain; "
			    "charset=unknown-8bit\r\n");
	put_text(c, "Content-Transfer-Encoding: ");
	put_text(c, encoding);
	put_text(c, "\r\n\r\n");
}

static void
begin_multipart(struct reencode *c, struct type const *t)
{
	if (c->depth == REENCODE_DEPTH_MAX) {
		c->error = REENCODE_TOO_MUCH;
		return;
	}
	memcpy(c->stack[c->depth].s, t->boundary, t->boundary_len);
	c->stack[c->depth++].len = t->boundary_len;
	put_header(c, t,
		!t->has_encoding ? NULL
		: c->keep_8bit	 ? "8bit"
				 : "7bit");
	c->mode =
		c->is_writing && c->keep_8bit ? REENCODE_PASS : REENCODE_CLEAN;
}

static void
begin_leaf(struct reencode *c, struct type const *t)
{
	if (++c->part >= REENCODE_PARTS_MAX) {
		c->error = REENCODE_TOO_MUCH;
		return;
	}
	c->mode = REENCODE_PASS;
	if (!c->is_writing || !part_needs(c) || !t->is_identity) {
		put_header(c, t, NULL);
		/* It lies: what is encoded has no such octets. */
		if (c->is_writing && part_needs(c) && !c->keep_8bit)
			c->mode = REENCODE_CLEAN;
		return;
	}
	c->mode = t->is_text ? REENCODE_QP : REENCODE_BASE64;
	put_header(c, t, t->is_text ? "quoted-printable" : "base64");
}

/* One that ends without an empty line: it has no body. */
static bool
put_lone_header(struct reencode *c)
{
	if (!c->keep_header && has_8bit(c->header.s, c->header.len)) {
		c->error = REENCODE_HEADER;
		return false;
	}
	put(c, c->header.s, c->header.len);
	return true;
}

static void
header_done(struct reencode *c)
{
	struct type t = read_header(c);

	if (!c->keep_header && has_8bit(c->header.s, c->header.len)) {
		c->error = REENCODE_HEADER;
		return;
	}
	c->in_header = false;
	c->column = 0;
	if (t.is_multipart) {
		begin_multipart(c, &t);
	} else if (t.is_message && c->nesting < REENCODE_DEPTH_MAX) {
		put_header(c, &t,
			!t.has_encoding ? NULL
			: c->keep_8bit	? "8bit"
					: "7bit");
		c->in_header = true;
		c->nesting++;
	} else {
		begin_leaf(c, &t);
	}
	c->header.len = 0;
	c->is_nested = true;
}

static void
header_piece(struct reencode *c, char const *s, size_t len, bool starts)
{
	if (c->header.len + len > REENCODE_HEADER_MAX) {
		c->error = REENCODE_TOO_MUCH;
		return;
	}
	if (!stralloc_catb(&c->header, s, len))
		c->error = REENCODE_MEMORY;
	else if (starts && content_len(s, len) == 0 && len > 0)
		header_done(c);
}

/* Whether a line is a delimiter; which, and whether the last of its kind. */
static bool
is_delimiter(struct reencode const *c, char const *s, size_t len,
	size_t *level_r, bool *closes_r)
{
	len = content_len(s, len);
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	if (len < 3 || s[0] != '-' || s[1] != '-')
		return false;
	for (size_t i = c->depth; i-- > 0;) {
		size_t n = c->stack[i].len;
		if (len < n + 2 || memcmp(s + 2, c->stack[i].s, n) != 0)
			continue;
		*level_r = i;
		*closes_r = len == n + 4 && memcmp(s + 2 + n, "--", 2) == 0;
		if (len == n + 2 || *closes_r)
			return true;
	}
	return false;
}

static void
piece(struct reencode *c, char const *s, size_t len, bool starts)
{
	size_t level;
	bool closes;

	if (starts && is_delimiter(c, s, len, &level, &closes)) {
		if (c->in_header && !put_lone_header(c))
			return;
		end_leaf(c, false);
		put(c, s, len);
		c->depth = closes ? level : level + 1;
		c->header.len = 0;
		c->in_header = !closes;
		c->mode = REENCODE_CLEAN;
	} else if (c->in_header) {
		header_piece(c, s, len, starts);
	} else {
		leaf_data(c, s, len);
	}
}

static void
flush(struct reencode *c)
{
	char const *s = c->line;
	size_t len = c->line_len;

	if (len == 0)
		return;
	piece(c, s, len, !c->is_inside);
	c->is_inside = s[len - 1] != '\n';
	c->line_len = 0;
}

void
reencode_push(struct reencode *c, char const *s, size_t len)
{
	for (size_t i = 0; i < len && c->error == REENCODE_FINE; i++) {
		c->line[c->line_len++] = s[i];
		/* A CR waits for its LF. */
		if (s[i] == '\n' || c->line_len == sizeof c->line ||
			(c->line_len >= REENCODE_PIECE && s[i] != '\r'))
			flush(c);
	}
}

bool
reencode_end(struct reencode *c)
{
	if (c->error == REENCODE_FINE)
		flush(c);
	/* A header without a body. */
	if (c->error == REENCODE_FINE && c->in_header) {
		if (!put_lone_header(c))
			return false;
	} else if (c->error == REENCODE_FINE) {
		end_leaf(c, true);
	}
	return c->error == REENCODE_FINE;
}
