/* Makes messages of drafts; see draft.h. */
#include <string.h>
#include <strings.h>

#include "common/datetime.h"
#include "mime/address.h"
#include "mime/charset.h"
#include "mime/draft.h"
#include "mime/encode.h"
#include "mime/header.h"

enum kind { FREE, ADDRESSES, TOKENS, ATTACH, OURS };

/* Fields with a form of their own; all of them stand once (RFC 5322, 3.6),
 * but for Attach. */
static struct {
	char const *name;
	enum kind kind;
} const fields[] = {
	{"from", ADDRESSES},
	{"sender", ADDRESSES},
	{"reply-to", ADDRESSES},
	{"to", ADDRESSES},
	{"cc", ADDRESSES},
	{"bcc", ADDRESSES},
	{"date", TOKENS},
	{"message-id", TOKENS},
	{"in-reply-to", TOKENS},
	{"references", TOKENS},
	{"subject", FREE},
	{"mime-version", OURS},
	{"content-type", OURS},
	{"content-transfer-encoding", OURS},
	{"content-disposition", OURS},
	{DRAFT_ATTACH, ATTACH},
	{DRAFT_ATTACH_MESSAGE, ATTACH},
};

/* Octets of an address (RFC 5321, 4.5.3.1: 64, '@' and 255). */
#define ADDRESS_MAX 319

#define FROM 0
#define DATE 6
#define MESSAGE_ID 7

struct compose {
	struct draft const *d;
	stralloc *out;
	stralloc value, scratch;
	stralloc host; /* of the first address in From */
	unsigned seen; /* bit i: fields[i] */
	char const *what;
};

static bool
wrong(struct compose *c, char const *what)
{
	c->what = what;
	return false;
}

/* Printable, blanks among it. */
static bool
is_ascii(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') ||
			(unsigned char)s[i] >= 0x7f)
			return false;
	return true;
}

static bool
is_utf8(struct compose *c, char const *s, size_t len)
{
	c->scratch.len = 0;
	return charset_to_utf8("utf-8", 5, s, len, &c->scratch) &&
	       c->scratch.len == len &&
	       (len == 0 || memcmp(c->scratch.s, s, len) == 0);
}

/* Is the local part a dot-atom (RFC 5322, 3.2.3)? */
static bool
is_dot_atom(char const *s, size_t len)
{
	bool dot = true;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' ? dot
				: strchr("()<>[]:;@\\,\" \t", s[i]) != NULL)
			return false;
		dot = s[i] == '.';
	}
	return !dot;
}

static bool
put_mailbox(struct compose *c, struct address const *a, bool named)
{
	stralloc *const out = c->out;

	return (!named || stralloc_cats(out, "<")) &&
	       (is_dot_atom(a->local.s, a->local.len)
			       ? stralloc_catb(out, a->local.s, a->local.len)
			       : encode_quoted_string(
					 out, a->local.s, a->local.len)) &&
	       stralloc_cats(out, "@") &&
	       stralloc_catb(out, a->host.s, a->host.len) &&
	       (!named || stralloc_cats(out, ">"));
}

static bool
check_mailbox(struct compose *c, struct address const *a)
{
	if (a->local.len == 0 || a->host.len == 0)
		return wrong(c, "has an address without '@' and a domain");
	if (!is_ascii(a->local.s, a->local.len) ||
		!is_ascii(a->host.s, a->host.len) ||
		memchr(a->host.s, ' ', a->host.len) ||
		memchr(a->host.s, '\t', a->host.len))
		return wrong(c, "has an address that is not plain ASCII");
	if (a->local.len + a->host.len > ADDRESS_MAX)
		return wrong(c, "has an address that is too long");
	return true;
}

/* One address, or the start of a group, behind the blank that is there. */
static bool
put_address(struct compose *c, struct address const *a, size_t *column)
{
	size_t const before = c->out->len;
	bool const named = a->name.len > 0;

	if (named && !encode_phrase(c->out, a->name.s, a->name.len, column))
		return false;
	if (a->kind == ADDRESS_GROUP_START)
		return stralloc_cats(c->out, ":");
	/* A name and its address need not share a line. */
	if (named && *column + a->local.len + a->host.len + 4 > ENCODE_LINE) {
		if (!stralloc_cats(c->out, "\n"))
			return false;
		*column = 0;
	}
	if (named && !stralloc_cats(c->out, " "))
		return false;
	if (!put_mailbox(c, a, named))
		return false;
	*column += c->out->len - before;
	return true;
}

static bool
put_separator(struct compose *c, char const *s, size_t next, size_t *column)
{
	bool const fold = *column + next > ENCODE_LINE;

	*column = fold ? 1 : *column + 2;
	return stralloc_cats(c->out, s) &&
	       stralloc_cats(c->out, fold ? "\n " : " ");
}

static bool
put_addresses(struct compose *c, bool from, size_t column)
{
	struct address_cursor cursor;
	struct address a;
	stralloc buf = STRALLOC_ZERO;
	bool ok = stralloc_ready(&buf, ADDRESS_BUF(c->value.len));
	bool first = true;

	if (ok)
		address_init(&cursor, c->value.s, c->value.len, buf.s);
	while (ok && address_next(&cursor, &a) > 0) {
		if (a.kind == ADDRESS_GROUP_END) {
			ok = stralloc_cats(c->out, ";");
			continue;
		}
		ok = (a.kind == ADDRESS_GROUP_START || check_mailbox(c, &a)) &&
		     put_separator(c,
			     first || c->out->s[c->out->len - 1] == ':' ? ""
									: ",",
			     first ? 0 : a.name.len + a.local.len + a.host.len,
			     &column) &&
		     put_address(c, &a, &column);
		if (ok && from && a.host.len > 0 && c->host.len == 0)
			ok = stralloc_catb(&c->host, a.host.s, a.host.len);
		first = false;
	}
	stralloc_free(&buf);
	if (ok && first)
		return wrong(c, "has no address");
	return ok;
}

static bool
put_tokens(struct compose *c, size_t column)
{
	if (!is_ascii(c->value.s, c->value.len))
		return wrong(c, "is not plain ASCII");
	column++;
	return stralloc_cats(c->out, " ") &&
	       encode_words(c->out, c->value.s, c->value.len, &column);
}

static bool
put_free(struct compose *c, size_t column)
{
	column++;
	return stralloc_cats(c->out, " ") &&
	       encode_words(c->out, c->value.s, c->value.len, &column);
}

static size_t
find(struct header_field const *f)
{
	size_t i = 0;

	while (i < sizeof fields / sizeof fields[0] &&
		!header_is(f, fields[i].name))
		i++;
	return i;
}

static bool
is_name(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7f)
			return false;
	return len > 0 && len < ENCODE_LINE;
}

static bool
put_value(struct compose *c, size_t i, enum kind kind, size_t column)
{
	switch (kind) {
	case ADDRESSES:
		return put_addresses(c, i == FROM, column);
	case TOKENS:
		return put_tokens(c, column);
	case FREE:
	case ATTACH:
	case OURS:
		break;
	}
	return put_free(c, column);
}

static bool
put_field(struct compose *c, struct header_field const *f)
{
	size_t const i = find(f);
	enum kind const kind =
		i < sizeof fields / sizeof fields[0] ? fields[i].kind : FREE;

	if (!is_name(f->name, f->name_len))
		return wrong(c, "is no header field (an empty line ends the "
				"header)");
	if (kind == ATTACH)
		return true;
	if (kind == OURS)
		return wrong(c, "is a field that compose writes itself");
	if (!stralloc_ready(&c->value, f->value_len + 1))
		return false;
	c->value.len = header_unfold(f->value, f->value_len, c->value.s);
	while (c->value.len > 0 &&
		strchr(" \t\r", c->value.s[c->value.len - 1]))
		c->value.len--;
	if (c->value.len == 0)
		return true;
	if (i < sizeof fields / sizeof fields[0] && c->seen >> i & 1)
		return wrong(c, "is there twice");
	if (i < sizeof fields / sizeof fields[0])
		c->seen |= 1u << i;
	if (!is_utf8(c, c->value.s, c->value.len) ||
		memchr(c->value.s, '\0', c->value.len))
		return wrong(c, "is not valid UTF-8");
	return stralloc_catb(c->out, f->name, f->name_len) &&
	       stralloc_cats(c->out, ":") &&
	       put_value(c, i, kind, f->name_len + 1) &&
	       stralloc_cats(c->out, "\n");
}

static size_t
count_lines(char const *s, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	return n;
}

/* Date and Message-ID, if the draft has none. */
static bool
put_origin(struct compose *c)
{
	char date[DATETIME_MAX];

	if (!(c->seen >> DATE & 1)) {
		datetime_format(date, c->d->now);
		if (!stralloc_cats(c->out, "Date: ") ||
			!stralloc_cats(c->out, date) ||
			!stralloc_cats(c->out, "\n"))
			return false;
	}
	if (c->seen >> MESSAGE_ID & 1)
		return true;
	return stralloc_cats(c->out, "Message-ID: <") &&
	       stralloc_cats(c->out, c->d->id) && stralloc_cats(c->out, "@") &&
	       stralloc_catb(c->out, c->host.s, c->host.len) &&
	       stralloc_cats(c->out, ">\n");
}

/* LF for CRLF, into scratch. */
static bool
strip_cr(struct compose *c, char const *s, size_t len)
{
	c->scratch.len = 0;
	if (!stralloc_ready(&c->scratch, len + 1))
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] != '\r' || i + 1 == len || s[i + 1] != '\n')
			c->scratch.s[c->scratch.len++] = s[i];
	return true;
}

static bool
put_text(struct compose *c, char const *s, size_t len)
{
	enum encode_text e;
	bool ascii = true;

	if (!strip_cr(c, s, len))
		return false;
	for (size_t i = 0; i < c->scratch.len; i++)
		ascii = ascii && (unsigned char)c->scratch.s[i] < 0x80;
	e = encode_choose(c->scratch.s, c->scratch.len);
	return stralloc_cats(c->out, "Content-Type: text/plain; charset=") &&
	       stralloc_cats(c->out, ascii ? "us-ascii" : "utf-8") &&
	       stralloc_cats(c->out, "\nContent-Transfer-Encoding: ") &&
	       stralloc_cats(c->out, encode_name(e)) &&
	       stralloc_cats(c->out, "\n\n") &&
	       encode_text(c->out, e, c->scratch.s, c->scratch.len);
}

/* RFC 2046, 5.2.1: it may be 7bit or 8bit, but not encoded. */
static bool
can_be_message(char const *s, size_t len)
{
	size_t line = 0;

	for (size_t i = 0; i < len; i++) {
		line = s[i] == '\n' ? 0 : line + 1;
		if (line > ENCODE_LINE_MAX || s[i] == '\0' ||
			(s[i] == '\r' && (i + 1 == len || s[i + 1] != '\n')))
			return false;
	}
	return len > 0;
}

static bool
put_attached_message(struct compose *c, struct draft_attachment const *a)
{
	bool eight = false;

	if (!strip_cr(c, a->s, a->len))
		return false;
	for (size_t i = 0; i < c->scratch.len; i++)
		eight = eight || (unsigned char)c->scratch.s[i] >= 0x80;
	return stralloc_cats(c->out, "Content-Type: message/rfc822\n") &&
	       (!eight || stralloc_cats(c->out, "Content-Transfer-Encoding: "
						"8bit\n")) &&
	       stralloc_cats(c->out, "\n") &&
	       stralloc_catb(c->out, c->scratch.s, c->scratch.len);
}

static char const *
type_of(char const *name)
{
	static char const *const types[][2] = {{"txt", "text/plain"},
		{"md", "text/markdown"}, {"csv", "text/csv"},
		{"html", "text/html"}, {"htm", "text/html"},
		{"ics", "text/calendar"}, {"patch", "text/x-patch"},
		{"diff", "text/x-patch"}, {"pdf", "application/pdf"},
		{"json", "application/json"}, {"xml", "application/xml"},
		{"zip", "application/zip"}, {"gz", "application/gzip"},
		{"png", "image/png"}, {"jpg", "image/jpeg"},
		{"jpeg", "image/jpeg"}, {"gif", "image/gif"},
		{"webp", "image/webp"}, {"svg", "image/svg+xml"},
		{"mp3", "audio/mpeg"}, {"ogg", "audio/ogg"},
		{"mp4", "video/mp4"}, {"webm", "video/webm"},
		{"odt", "application/vnd.oasis.opendocument.text"},
		{"ods", "application/vnd.oasis.opendocument.spreadsheet"}};
	char const *const dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
		if (strcasecmp(dot + 1, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

/* Base64 whatever it is: a file comes out of it as it went in. */
static bool
put_attachment(struct compose *c, struct draft_attachment const *a)
{
	char const *const type = type_of(a->name);
	size_t const len = strlen(a->name);
	bool const named = is_utf8(c, a->name, len);

	if (a->message && can_be_message(a->s, a->len))
		return put_attached_message(c, a);
	return stralloc_cats(c->out, "Content-Type: ") &&
	       stralloc_cats(c->out, type) &&
	       (strncmp(type, "text/", 5) != 0 || !is_utf8(c, a->s, a->len) ||
		       stralloc_cats(c->out, "; charset=utf-8")) &&
	       stralloc_cats(c->out, "\nContent-Transfer-Encoding: base64\n"
				     "Content-Disposition: attachment") &&
	       (!named || encode_parameter(c->out, "filename", a->name, len)) &&
	       stralloc_cats(c->out, "\n\n") &&
	       encode_base64(c->out, a->s, a->len);
}

static bool
put_boundary(struct compose *c, char const *end)
{
	return stralloc_cats(c->out, "\n--") &&
	       stralloc_cats(c->out, c->d->boundary) &&
	       stralloc_cats(c->out, end);
}

static bool
put_body(struct compose *c, char const *s, size_t len)
{
	if (!stralloc_cats(c->out, "MIME-Version: 1.0\n"))
		return false;
	if (c->d->attachments_count == 0)
		return put_text(c, s, len);
	if (!stralloc_cats(c->out, "Content-Type: multipart/mixed;\n "
				   "boundary=\"") ||
		!stralloc_cats(c->out, c->d->boundary) ||
		!stralloc_cats(c->out, "\"\n") || !put_boundary(c, "\n") ||
		!put_text(c, s, len))
		return false;
	for (size_t i = 0; i < c->d->attachments_count; i++)
		if (!put_boundary(c, "\n") ||
			!put_attachment(c, &c->d->attachments[i]))
			return false;
	return put_boundary(c, "--\n");
}

/* The line of the text that is no UTF-8. */
static bool
check_text(struct compose *c, char const *s, size_t len, size_t *line)
{
	for (size_t pos = 0; pos < len; ++*line) {
		size_t const start = pos;

		pos = header_line(s, len, pos, NULL);
		if (!is_utf8(c, s + start, pos - start))
			return wrong(c, "is not valid UTF-8");
	}
	return true;
}

static bool
put_all(struct compose *c, size_t *line)
{
	struct draft const *const d = c->d;
	struct header_field f;
	size_t pos = 0;

	for (size_t at = 0; header_next(d->s, d->len, &pos, &f) > 0; at = pos) {
		if (!put_field(c, &f))
			return false;
		*line += count_lines(d->s + at, pos - at) - 1;
	}
	++*line;
	if (!(c->seen >> FROM & 1)) {
		*line = 0;
		return wrong(c, "has no From field");
	}
	return check_text(c, d->s + pos, d->len - pos, line) && put_origin(c) &&
	       put_body(c, d->s + pos, d->len - pos);
}

bool
draft_compose(struct draft const *d, stralloc *out, struct draft_error *e_r)
{
	struct compose c = {.d = d, .out = out};
	size_t line = 1;
	bool const ok = put_all(&c, &line);

	stralloc_free(&c.value);
	stralloc_free(&c.scratch);
	stralloc_free(&c.host);
	*e_r = (struct draft_error){.line = line, .what = c.what};
	return ok;
}
