/* Writes IMAP strings and BODYSTRUCTURE; see imap.h. */
#include <string.h>

#include "mime/envelope.h"
#include "mime/header.h"
#include "mime/imap.h"
#include "mime/rfc2045.h"

static bool
put(stralloc *sa, char const *s)
{
	return stralloc_cats(sa, s);
}

static bool
put_number(stralloc *sa, size_t n)
{
	char digits[24];
	size_t i = sizeof digits;

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return stralloc_catb(sa, digits + i, sizeof digits - i);
}

/* RFC 3501, 9: QUOTED-CHAR is 7-bit TEXT-CHAR, no CR and no LF. */
static bool
can_quote(char const *s, size_t len)
{
	if (len > IMAP_QUOTED_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((s[i] & 0x80) || s[i] == '\0' || s[i] == '\r' ||
			s[i] == '\n')
			return false;
	return true;
}

bool
imap_string(stralloc *sa, char const *s, size_t len)
{
	if (!can_quote(s, len)) {
		if (!put(sa, "{") || !put_number(sa, len) || !put(sa, "}\r\n"))
			return false;

		size_t const start = sa->len;

		if (!stralloc_catb(sa, s, len))
			return false;
		/* CHAR8 excludes NUL, in literals too. */
		for (size_t i = start; i < sa->len; i++)
			if (sa->s[i] == '\0')
				sa->s[i] = '?';
		return true;
	}
	if (!stralloc_readyplus(sa, 2 * len + 2))
		return false;
	sa->s[sa->len++] = '"';
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			sa->s[sa->len++] = '\\';
		sa->s[sa->len++] = s[i];
	}
	sa->s[sa->len++] = '"';
	return true;
}

bool
imap_envelope(stralloc *sa, char const *header, size_t len)
{
	stralloc buf = STRALLOC_ZERO;
	size_t addresses_left = ENVELOPE_ADDRESSES_MAX;
	bool const ok = envelope_write(sa, &buf, header, len, &addresses_left);

	stralloc_free(&buf);
	return ok;
}

/* Room for `len` octets at sa's start; its text is given up. */
static char *
scratch(stralloc *sa, size_t len)
{
	return stralloc_ready(sa, len + 1) ? sa->s : NULL;
}

enum body_field {
	BODY_ID,
	BODY_DESCRIPTION,
	BODY_ENCODING,
	BODY_MD5,
	BODY_DISPOSITION,
	BODY_LANGUAGE,
	BODY_LOCATION,
	BODY_FIELDS
};

static char const *const body_names[BODY_FIELDS] = {"content-id",
	"content-description", "content-transfer-encoding", "content-md5",
	"content-disposition", "content-language", "content-location"};

struct writer {
	stralloc *sa;
	stralloc buf;
	char const *s;
	struct structure_part const *parts;
	size_t addresses_left;
	bool extended;
};

static bool
put_param(struct writer *w, struct rfc2045_param const *param)
{
	char *space = scratch(&w->buf, param->value_len);

	return space && imap_string(w->sa, param->name, param->name_len) &&
	       put(w->sa, " ") &&
	       imap_string(w->sa, space, rfc2045_value(param, space));
}

/* Parameters from s + pos, and behind them `charset` unless it was there. */
static bool
put_params(struct writer *w, char const *s, size_t len, size_t pos,
	char const *charset)
{
	size_t const start = w->sa->len;
	struct rfc2045_param param;
	size_t at = pos;

	while (rfc2045_param(s, len, &at, &param) > 0)
		if (!put(w->sa, w->sa->len == start ? "(" : " ") ||
			!put_param(w, &param))
			return false;
	if (charset && !rfc2045_find(s, len, pos, "charset", &param) &&
		(!put(w->sa, w->sa->len == start ? "(" : " ") ||
			!put(w->sa, "\"charset\" \"") || !put(w->sa, charset) ||
			!put(w->sa, "\"")))
		return false;
	return put(w->sa, w->sa->len == start ? "NIL" : ")");
}

static bool
put_type_params(struct writer *w, struct structure_part const *part,
	char const *charset)
{
	struct structure_span const *v = &part->content_type;

	if (v->len == 0)
		return put_params(w, "", 0, 0, charset);
	return put_params(w, w->s + v->offset, v->len,
		part->subtype.offset + part->subtype.len - v->offset, charset);
}

static bool
put_disposition(struct writer *w, struct header_field const *field)
{
	if (!field->name)
		return put(w->sa, "NIL");

	char const *v = field->value;
	size_t const len = field->value_len;
	size_t const start = rfc2045_skip(v, len, 0);
	size_t const n = rfc2045_token(v, len, start);

	if (n == 0)
		return put(w->sa, "NIL");
	return put(w->sa, "(") && imap_string(w->sa, v + start, n) &&
	       put(w->sa, " ") && put_params(w, v, len, start + n, NULL) &&
	       put(w->sa, ")");
}

/* RFC 3282: a list of language tags; one alone stands without parentheses. */
static bool
put_language(struct writer *w, struct header_field const *field)
{
	size_t const start = w->sa->len;
	size_t pos = 0, count = 0;

	if (!put(w->sa, "("))
		return false;
	while (field->name && pos < field->value_len) {
		pos = rfc2045_skip(field->value, field->value_len, pos);

		size_t const n =
			rfc2045_token(field->value, field->value_len, pos);

		if (n > 0 &&
			((count++ > 0 && !put(w->sa, " ")) ||
				!imap_string(w->sa, field->value + pos, n)))
			return false;
		pos += n > 0 ? n : 1;
	}
	if (count > 0)
		return put(w->sa, ")");
	w->sa->len = start;
	return put(w->sa, "NIL");
}

static bool
put_field(struct writer *w, struct header_field const *field)
{
	if (!field->name)
		return put(w->sa, "NIL");

	char *space = scratch(&w->buf, field->value_len);

	return space &&
	       imap_string(w->sa, space,
		       header_unfold(field->value, field->value_len, space));
}

static bool
put_extension(struct writer *w, struct header_field const *fields)
{
	return put(w->sa, " ") &&
	       put_disposition(w, &fields[BODY_DISPOSITION]) &&
	       put(w->sa, " ") && put_language(w, &fields[BODY_LANGUAGE]) &&
	       put(w->sa, " ") && put_field(w, &fields[BODY_LOCATION]);
}

static bool
put_encoding(struct writer *w, struct header_field const *field)
{
	if (field->name) {
		size_t const start =
			rfc2045_skip(field->value, field->value_len, 0);
		size_t const n =
			rfc2045_token(field->value, field->value_len, start);

		if (n > 0)
			return imap_string(w->sa, field->value + start, n);
	}
	return put(w->sa, "\"7bit\"");
}

static bool
put_type(struct writer *w, struct structure_part const *part)
{
	/* A container that was not opened must not look like one. */
	if (part->opaque)
		return put(w->sa, "\"application\" \"octet-stream\"");
	if (part->type.len == 0)
		return put(w->sa, part->digest ? "\"message\" \"rfc822\""
					       : "\"text\" \"plain\"");
	return imap_string(w->sa, w->s + part->type.offset, part->type.len) &&
	       put(w->sa, " ") &&
	       imap_string(
		       w->sa, w->s + part->subtype.offset, part->subtype.len);
}

static void
find_fields(struct writer const *w, struct structure_part const *part,
	struct header_field *fields)
{
	char const *header = w->s + part->header_offset;
	struct header_field field;
	size_t pos = 0;

	while (header_next(header, part->header_len, &pos, &field) > 0)
		for (int i = 0; i < BODY_FIELDS; i++)
			if (!fields[i].name && header_is(&field, body_names[i]))
				fields[i] = field;
}

/* What stands in front of the nested structure of a message. */
static bool
open_single(struct writer *w, struct structure_part const *part,
	struct header_field const *fields)
{
	bool const text = structure_is(w->s, part, "text/");

	return put(w->sa, "(") && put_type(w, part) && put(w->sa, " ") &&
	       put_type_params(w, part, text ? "us-ascii" : NULL) &&
	       put(w->sa, " ") && put_field(w, &fields[BODY_ID]) &&
	       put(w->sa, " ") && put_field(w, &fields[BODY_DESCRIPTION]) &&
	       put(w->sa, " ") && put_encoding(w, &fields[BODY_ENCODING]) &&
	       put(w->sa, " ") && put_number(w->sa, part->body_size);
}

static bool
close_single(struct writer *w, struct structure_part const *part,
	struct header_field const *fields)
{
	if ((part->kind == STRUCTURE_MESSAGE ||
		    structure_is(w->s, part, "text/")) &&
		(!put(w->sa, " ") || !put_number(w->sa, part->body_lines)))
		return false;
	if (w->extended &&
		(!put(w->sa, " ") || !put_field(w, &fields[BODY_MD5]) ||
			!put_extension(w, fields)))
		return false;
	return put(w->sa, ")");
}

static bool
close_multipart(struct writer *w, struct structure_part const *part,
	struct header_field const *fields)
{
	if (!put(w->sa, " ") || !imap_string(w->sa, w->s + part->subtype.offset,
					part->subtype.len))
		return false;
	if (w->extended &&
		(!put(w->sa, " ") || !put_type_params(w, part, NULL) ||
			!put_extension(w, fields)))
		return false;
	return put(w->sa, ")");
}

static bool
open_part(struct writer *w, struct structure_part const *part)
{
	struct header_field fields[BODY_FIELDS] = {0};

	if (part->kind == STRUCTURE_MULTIPART)
		return put(w->sa, "(");
	find_fields(w, part, fields);
	if (!open_single(w, part, fields))
		return false;
	if (part->kind == STRUCTURE_LEAF)
		return close_single(w, part, fields);

	struct structure_part const *child = &w->parts[part->child];

	return put(w->sa, " ") &&
	       envelope_write(w->sa, &w->buf, w->s + child->header_offset,
		       child->header_len, &w->addresses_left) &&
	       put(w->sa, " ");
}

static bool
close_part(struct writer *w, struct structure_part const *part)
{
	struct header_field fields[BODY_FIELDS] = {0};

	if (part->kind == STRUCTURE_LEAF)
		return true;
	find_fields(w, part, fields);
	return part->kind == STRUCTURE_MULTIPART
		       ? close_multipart(w, part, fields)
		       : close_single(w, part, fields);
}

static bool
write_parts(struct writer *w, size_t count)
{
	uint32_t i = 0;

	while (i < count) {
		if (!open_part(w, &w->parts[i]))
			return false;
		if (w->parts[i].child != STRUCTURE_NONE) {
			i = w->parts[i].child;
			continue;
		}
		for (;;) {
			if (!close_part(w, &w->parts[i]))
				return false;
			if (i == 0)
				return true;
			if (w->parts[i].next != STRUCTURE_NONE)
				break;
			i = w->parts[i].parent;
		}
		i = w->parts[i].next;
	}
	return true;
}

bool
imap_bodystructure(stralloc *sa, char const *s,
	struct structure_part const *parts, size_t count, bool extended)
{
	struct writer w = {.sa = sa,
		.s = s,
		.parts = parts,
		.addresses_left = ENVELOPE_ADDRESSES_MAX,
		.extended = extended};
	bool const ok = write_parts(&w, count);

	stralloc_free(&w.buf);
	return ok;
}
