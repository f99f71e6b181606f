/* mime parts: the parts of a message, a line each. */
#include <string.h>

#include "mime/body.h"
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/terminal.h"
#include "mime/uufiles.h"

/* Adds foreign text behind `before`, if there is any. */
static bool
put_text(stralloc *out, char const *before, stralloc const *text,
	char const *after)
{
	return text->len == 0 ||
	       (stralloc_cats(out, before) &&
		       terminal_line(out, text->s, text->len) &&
		       stralloc_cats(out, after));
}

static bool
put_type(struct message const *m, struct structure_part const *part,
	stralloc *text, stralloc *out)
{
	char type[STRUCTURE_TYPE_MAX];

	structure_type(m->text.s, part, type);
	text->len = 0;
	return charset_to_utf8("utf-8", 5, type, strlen(type), text) &&
	       put_text(out, " ", text, "");
}

static bool
put_charset(struct message const *m, struct structure_part const *part,
	stralloc *text, stralloc *out)
{
	text->len = 0;
	if (body_parameter(m, part, "charset", text) < 0)
		return false;
	return put_text(out, " ", text, "");
}

static bool
put_encoding(struct structure_part const *part, stralloc *out)
{
	switch ((enum structure_encoding)part->encoding) {
	case STRUCTURE_QUOTED_PRINTABLE:
		return stralloc_cats(out, " quoted-printable");
	case STRUCTURE_BASE64:
		return stralloc_cats(out, " base64");
	case STRUCTURE_UUENCODE:
		return stralloc_cats(out, " uuencode");
	case STRUCTURE_UNKNOWN_ENCODING:
		return stralloc_cats(out, " unknown-encoding");
	case STRUCTURE_IDENTITY:
		break;
	}
	return true;
}

static bool
put_line(struct message const *m, size_t i, stralloc *text, stralloc *out)
{
	struct structure_part const *part = &m->parts[i];
	size_t const start = out->len;

	if (!message_number(m, i, out) ||
		(out->len == start && !stralloc_cats(out, "-")) ||
		!put_type(m, part, text, out) ||
		!put_charset(m, part, text, out) || !put_encoding(part, out) ||
		!stralloc_cats(out, " ") ||
		!command_put_number(out, part->body_size) ||
		!stralloc_cats(out, " octets"))
		return false;
	if (message_is_attachment(m, part) &&
		!stralloc_cats(out, " attachment"))
		return false;
	text->len = 0;
	return message_filename(m, part, text) &&
	       put_text(out, " \"", text, "\"") && stralloc_cats(out, "\n");
}

bool
mime_parts_line(struct message const *m, size_t i, stralloc *out)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok = put_line(m, i, &text, out);

	stralloc_free(&text);
	return ok;
}

bool
mime_parts_file_number(
	struct message const *m, size_t i, size_t k, stralloc *out)
{
	return message_number(m, i, out) && stralloc_cats(out, ":") &&
	       command_put_number(out, k + 1);
}

bool
mime_parts_file(struct message const *m, size_t i, struct uutext const *u,
	size_t k, stralloc *out)
{
	stralloc name = STRALLOC_ZERO;
	bool const ok =
		mime_parts_file_number(m, i, k, out) &&
		stralloc_cats(out, " application/octet-stream uuencode ") &&
		command_put_number(out, (size_t)uutext_get(u, k)->size) &&
		stralloc_cats(out, " octets attachment") &&
		uufiles_name(u, k, &name) &&
		put_text(out, " \"", &name, "\"") && stralloc_cats(out, "\n");

	stralloc_free(&name);
	return ok;
}

static bool
put_files(struct message const *m, size_t i, struct uutext *u, stralloc *out)
{
	if (!uufiles_find(m, &m->parts[i], u))
		return false;
	for (size_t k = 0; k < uutext_count(u); k++)
		if (!mime_parts_file(m, i, u, k, out))
			return false;
	return true;
}

bool
mime_parts(struct message const *m, struct request *r, stralloc *out)
{
	struct uutext u = {0};
	bool ok = true;

	(void)r;
	for (size_t i = 0; ok && i < m->count; i++)
		ok = m->parts[i].made_up ||
		     (mime_parts_line(m, i, out) && put_files(m, i, &u, out) &&
			     command_flush(out, false));
	uutext_free(&u);
	return ok;
}
