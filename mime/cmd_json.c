/* mime json: a message for programs (RFC 8259), on one line. */
#include <stdio.h>
#include <string.h>

#include "mime/body.h"
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/date.h"

/* Octets of the character at s that a terminal must not get, else 0. */
static size_t
unsafe(unsigned char const *s, size_t len, unsigned *code_r)
{
	*code_r = s[0];
	if (s[0] < ' ' || s[0] == '"' || s[0] == '\\' || s[0] == 0x7f)
		return 1;
	if (len >= 2 && s[0] == 0xc2 && s[1] < 0xa0) {
		*code_r = s[1];
		return 2;
	}
	/* U+2028 to U+202E, U+2066 to U+2069 */
	if (len >= 3 && s[0] == 0xe2 &&
		((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
			(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9))) {
		*code_r = 0x2000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
		return 3;
	}
	return 0;
}

static bool
put_text(void *arg, char const *s, size_t len)
{
	stralloc *const out = arg;
	size_t start = 0, i = 0;

	while (i < len) {
		unsigned code;
		size_t const n =
			unsafe((unsigned char const *)s + i, len - i, &code);
		char escape[8];

		if (n == 0) {
			i++;
			continue;
		}
		if (code == '\n')
			memcpy(escape, "\\n", 3);
		else
			(void)snprintf(escape, sizeof escape, "\\u%04x", code);
		if (!stralloc_catb(out, s + start, i - start) ||
			!stralloc_cats(out, escape))
			return false;
		i += n;
		start = i;
	}
	return stralloc_catb(out, s + start, i - start) &&
	       command_flush(out, false);
}

static bool
put_string(stralloc *out, char const *s, size_t len)
{
	return stralloc_cats(out, "\"") && put_text(out, s, len) &&
	       stralloc_cats(out, "\"");
}

/* Foreign octets, taken for UTF-8. */
static bool
put_octets(stralloc *out, char const *s, size_t len)
{
	stralloc utf8 = STRALLOC_ZERO;
	bool const ok = charset_to_utf8("", 0, s, len, &utf8) &&
			put_string(out, utf8.s, utf8.len);

	stralloc_free(&utf8);
	return ok;
}

/* ["Subject","..."], decoded */
static bool
put_field(struct header_field const *f, stralloc *out)
{
	stralloc value = STRALLOC_ZERO;
	bool const ok =
		stralloc_cats(out, "[") &&
		put_octets(out, f->name, f->name_len) &&
		stralloc_cats(out, ",") && mime_headers_decode(f, &value) &&
		put_string(out, value.s, value.len) && stralloc_cats(out, "]");

	stralloc_free(&value);
	return ok;
}

static bool
put_header(struct message const *m, struct structure_part const *part,
	stralloc *out)
{
	struct header_field f;
	size_t pos = 0;
	bool first = true;

	if (!stralloc_cats(out, ",\"header\":["))
		return false;
	while (header_next(m->text.s + part->header_offset, part->header_len,
		       &pos, &f) > 0) {
		if ((!first && !stralloc_cats(out, ",")) || !put_field(&f, out))
			return false;
		first = false;
	}
	return stralloc_cats(out, "]");
}

/* ,"name":"text", if there is any text */
static bool
put_member(stralloc *out, char const *name, stralloc const *text)
{
	return text->len == 0 ||
	       (stralloc_cats(out, ",\"") && stralloc_cats(out, name) &&
		       stralloc_cats(out, "\":") &&
		       put_string(out, text->s, text->len));
}

static bool
put_number(stralloc *out, char const *name, size_t n)
{
	return stralloc_cats(out, ",\"") && stralloc_cats(out, name) &&
	       stralloc_cats(out, "\":") && command_put_number(out, n);
}

static char const *
encoding_name(struct structure_part const *part)
{
	switch ((enum structure_encoding)part->encoding) {
	case STRUCTURE_QUOTED_PRINTABLE:
		return "quoted-printable";
	case STRUCTURE_BASE64:
		return "base64";
	case STRUCTURE_UUENCODE:
		return "uuencode";
	case STRUCTURE_UNKNOWN_ENCODING:
		return "unknown";
	case STRUCTURE_IDENTITY:
		break;
	}
	return "identity";
}

static bool
put_what(struct message const *m, size_t i, stralloc *text, stralloc *out)
{
	struct structure_part const *part = &m->parts[i];
	char type[STRUCTURE_TYPE_MAX];

	structure_type(m->text.s, part, type);
	if (!stralloc_cats(out, "{\"part\":\""))
		return false;
	if (!message_number(m, i, out) || !stralloc_cats(out, "\",\"type\":") ||
		!put_octets(out, type, strlen(type)) ||
		!stralloc_cats(out, ",\"encoding\":\"") ||
		!stralloc_cats(out, encoding_name(part)) ||
		!stralloc_cats(out, "\"") ||
		!put_number(out, "size", part->body_size) ||
		!put_number(out, "depth", part->depth))
		return false;
	text->len = 0;
	if (body_parameter(m, part, "charset", text) < 0 ||
		!put_member(out, "charset", text))
		return false;
	text->len = 0;
	return message_filename(m, part, text) &&
	       put_member(out, "filename", text) &&
	       stralloc_cats(out, message_is_attachment(m, part)
					  ? ",\"attachment\":true"
					  : ",\"attachment\":false");
}

static bool
put_part(struct message const *m, size_t i, stralloc *out)
{
	struct structure_part const *part = &m->parts[i];
	stralloc text = STRALLOC_ZERO;
	bool ok = put_what(m, i, &text, out) && put_header(m, part, out);

	if (ok && body_is_shown(m, part, "text/"))
		ok = stralloc_cats(out, ",\"text\":\"") &&
		     body_text(m, part, put_text, out) &&
		     stralloc_cats(out, "\"");
	stralloc_free(&text);
	return ok && stralloc_cats(out, "}");
}

static bool
put_date(struct message const *m, stralloc *out)
{
	struct header_field f;
	struct date date;
	char text[40];

	if (!message_field(m, &m->parts[0], "date", &f) ||
		!date_parse(f.value, f.value_len, &date))
		return true;
	(void)snprintf(
		text, sizeof text, "\"date\":%lld,", (long long)date.seconds);
	return stralloc_cats(out, text);
}

bool
mime_json(struct message const *m, struct request *r, stralloc *out)
{
	(void)r;
	if (!stralloc_cats(out, "{") || !put_date(m, out) ||
		!stralloc_cats(out, "\"parts\":["))
		return false;
	for (size_t i = 0; i < m->count; i++) {
		if (m->parts[i].made_up)
			continue;
		if ((i > 0 && !stralloc_cats(out, ",")) || !put_part(m, i, out))
			return false;
	}
	return stralloc_cats(out, "]}\n");
}
