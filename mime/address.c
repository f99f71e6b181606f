/*
 * Takes address lists apart; see address.h.
 *
 * Each address is looked at twice: a glance ahead finds the first special
 * that tells what it is ('<', ':', '@', or the end), then it is read so.
 */
#include <string.h>

#include "mime/address.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_special(char c)
{
	return memchr("()<>[]:;@\\,.\"", c, 13) != NULL;
}

static bool
is_atom(char c)
{
	return !is_space(c) && !is_special(c) && (unsigned char)c >= ' ';
}

void
address_init(struct address_cursor *c, char const *s, size_t len, char *buf)
{
	*c = (struct address_cursor){.s = s, .len = len, .buf = buf};
}

/*
 * Every octet put comes from an octet of its own of the same address, a blank
 * between words from a blank or a quote: so buf never overflows. The test
 * makes it certain.
 */
static void
put(struct address_cursor *c, char ch)
{
	if (c->used < ADDRESS_BUF(c->len))
		c->buf[c->used++] = ch;
}

static struct address_text
text_from(struct address_cursor const *c, size_t start)
{
	return (struct address_text){c->buf + start, c->used - start};
}

/* The end of what the opening octet at pos started: "", (), or []. */
static size_t
enclosed_end(char const *s, size_t len, size_t pos)
{
	char const open = s[pos];
	char const close = (char)(open == '(' ? ')' : open == '[' ? ']' : '"');
	size_t depth = 1;

	for (pos++; pos < len; pos++) {
		if (s[pos] == '\\' && pos + 1 < len)
			pos++;
		else if (s[pos] == close && --depth == 0)
			return pos + 1;
		else if (s[pos] == open && open == '(')
			depth++;
	}
	return len;
}

/* Where the text in an enclosure that ends at `end` ends. */
static size_t
inner_end(char const *s, size_t start, size_t end)
{
	char const close = (char)(s[start] == '('   ? ')'
				  : s[start] == '[' ? ']'
						    : '"');
	size_t slashes = 0;

	if (end <= start + 1 || s[end - 1] != close)
		return end;
	while (end - 2 - slashes > start && s[end - 2 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0 ? end - 1 : end;
}

/* Put what an enclosure holds, without backslashes and line ends. */
static void
put_enclosed(struct address_cursor *c, size_t start, size_t end)
{
	size_t const stop = inner_end(c->s, start, end);

	for (size_t i = start + 1; i < stop; i++) {
		if (c->s[i] == '\r' || c->s[i] == '\n')
			continue;
		if (c->s[i] == '\\' && i + 1 < stop)
			i++;
		put(c, c->s[i]);
	}
}

struct comment {
	size_t start, end; /* of the last one; none if end is 0 */
};

static void
skip(struct address_cursor *c, struct comment *comment)
{
	while (c->pos < c->len) {
		if (is_space(c->s[c->pos])) {
			c->pos++;
		} else if (c->s[c->pos] == '(') {
			comment->start = c->pos;
			c->pos = enclosed_end(c->s, c->len, c->pos);
			comment->end = c->pos;
		} else {
			break;
		}
	}
}

/* Behind the octet at pos, or behind all that it encloses. */
static size_t
step(struct address_cursor const *c, size_t pos)
{
	char const ch = c->s[pos];

	return ch == '"' || ch == '(' || ch == '['
		       ? enclosed_end(c->s, c->len, pos)
		       : pos + 1;
}

/* The first special from pos that tells the form of the address. */
static size_t
glance(struct address_cursor const *c, size_t pos, char const *specials)
{
	while (pos < c->len &&
		(c->s[pos] == '\0' || !strchr(specials, c->s[pos])))
		pos = step(c, pos);
	return pos;
}

static void
put_quoted(struct address_cursor *c)
{
	size_t const start = c->pos;

	c->pos = enclosed_end(c->s, c->len, start);
	put_enclosed(c, start, c->pos);
}

/* An octet, or a domain literal as it stands. */
static void
put_raw(struct address_cursor *c)
{
	size_t const stop = step(c, c->pos);

	for (; c->pos < stop; c->pos++)
		if (c->s[c->pos] != '\r' && c->s[c->pos] != '\n')
			put(c, c->s[c->pos]);
}

/* A display name: words up to `end`, one blank between them. */
static struct address_text
read_phrase(struct address_cursor *c, size_t end, struct comment *comment)
{
	size_t const start = c->used;
	bool any = false;

	for (;;) {
		size_t const before = c->pos;

		skip(c, comment);
		if (c->pos >= end)
			break;
		if (any && c->pos > before)
			put(c, ' ');
		any = true;
		if (c->s[c->pos] == '"')
			put_quoted(c);
		else
			put_raw(c);
	}
	c->pos = end;
	return any ? text_from(c, start) : (struct address_text){0};
}

/* A local part or domain: atoms, quoted strings and dots, no blanks. */
static struct address_text
read_dotted(struct address_cursor *c, size_t end, struct comment *comment)
{
	size_t const start = c->used;
	bool any = false;

	for (;;) {
		skip(c, comment);
		if (c->pos >= end)
			break;

		char const ch = c->s[c->pos];

		if (ch == '"') {
			put_quoted(c);
		} else if (ch == '[' || ch == '.' || is_atom(ch)) {
			put_raw(c);
		} else {
			break;
		}
		any = true;
	}
	return any ? text_from(c, start) : (struct address_text){0};
}

/* local-part ["@" domain], not beyond `end`. */
static void
read_spec(struct address_cursor *c, size_t end, struct address *a,
	struct comment *comment)
{
	a->local = read_dotted(c, end, comment);
	if (c->pos < end && c->s[c->pos] == '@') {
		c->pos++;
		a->host = read_dotted(c, end, comment);
	}
}

/* "@a,@b:" in front of the mailbox. */
static void
read_route(struct address_cursor *c, size_t end, struct address *a)
{
	size_t const colon = glance(c, c->pos, ":>");
	size_t const start = c->used;

	if (colon >= end || c->s[colon] != ':')
		return;
	for (; c->pos < colon; c->pos++)
		if (!is_space(c->s[c->pos]))
			put(c, c->s[c->pos]);
	a->route = text_from(c, start);
	c->pos = colon + 1;
}

static void
read_angle(struct address_cursor *c, struct address *a, struct comment *comment)
{
	c->pos++;

	size_t const end = glance(c, c->pos, ">");

	skip(c, comment);
	if (c->pos < end && c->s[c->pos] == '@')
		read_route(c, end, a);
	read_spec(c, end, a, comment);
	c->pos = end < c->len ? end + 1 : end;
}

/*
 * To the comma or semicolon behind this address: the latter ends a group, or
 * is what some writers put between addresses.
 */
static void
finish(struct address_cursor *c, struct address *a, struct comment *comment)
{
	size_t end = glance(c, c->pos, ",;");

	while (c->pos < end) {
		skip(c, comment);
		if (c->pos < end)
			c->pos = step(c, c->pos);
	}
	if (!a->name.s && comment->end > 0) {
		size_t const start = c->used;

		put_enclosed(c, comment->start, comment->end);
		a->name = text_from(c, start);
	}
	c->pos = end;
}

static void
read_mailbox(struct address_cursor *c, size_t special, struct address *a)
{
	struct comment comment = {0, 0};
	size_t const end = glance(c, special, ",;<");

	a->kind = ADDRESS_MAILBOX;
	if (end < c->len && c->s[end] == '<') {
		/* In "a@b <c@d>" too, the first is meant as a name. */
		a->name = read_phrase(c, end, &comment);
		read_angle(c, a, &comment);
	} else if (special < c->len && c->s[special] == '@') {
		read_spec(c, end, a, &comment);
	} else {
		a->local = read_phrase(c, end, &comment);
	}
	finish(c, a, &comment);
}

int
address_next(struct address_cursor *c, struct address *a)
{
	struct comment ignored;

	*a = (struct address){0};
	c->used = 0;
	for (;;) {
		skip(c, &ignored);
		if (c->pos >= c->len)
			break;
		if (c->in_group && c->s[c->pos] == ';') {
			c->pos++;
			c->in_group = false;
			a->kind = ADDRESS_GROUP_END;
			return 1;
		}
		if (c->s[c->pos] != ',' && c->s[c->pos] != ';')
			break;
		c->pos++;
	}
	if (c->pos >= c->len) {
		if (!c->in_group)
			return 0;
		c->in_group = false;
		a->kind = ADDRESS_GROUP_END;
		return 1;
	}

	size_t const special =
		glance(c, c->pos, c->in_group ? "<@,;" : "<@,;:");

	if (special < c->len && c->s[special] == ':') {
		a->kind = ADDRESS_GROUP_START;
		a->name = read_phrase(c, special, &ignored);
		c->pos = special + 1;
		c->in_group = true;
		return 1;
	}
	read_mailbox(c, special, a);
	return 1;
}
