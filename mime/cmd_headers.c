/* mime headers: the header of a message, decoded. */
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/rfc2047.h"
#include "mime/terminal.h"

bool
mime_headers_decode(struct header_field const *field, stralloc *out)
{
	stralloc unfolded = STRALLOC_ZERO;
	bool ok = stralloc_ready(&unfolded, field->value_len + 1);

	if (ok) {
		unfolded.len = header_unfold(
			field->value, field->value_len, unfolded.s);
		ok = rfc2047_decode(out, unfolded.s, unfolded.len);
	}
	stralloc_free(&unfolded);
	return ok;
}

bool
mime_headers_value(struct header_field const *field, stralloc *out)
{
	stralloc decoded = STRALLOC_ZERO;
	bool const ok = mime_headers_decode(field, &decoded) &&
			terminal_line(out, decoded.s, decoded.len);

	stralloc_free(&decoded);
	return ok;
}

static bool
put_name(struct header_field const *field, stralloc *out)
{
	stralloc name = STRALLOC_ZERO;
	bool const ok = charset_to_utf8("utf-8", 5, field->name,
				field->name_len, &name) &&
			terminal_line(out, name.s, name.len);

	stralloc_free(&name);
	return ok;
}

bool
mime_headers(struct message const *m, struct request *r, stralloc *out)
{
	struct header_field field;
	size_t pos = 0;

	(void)r;
	while (header_next(m->text.s, m->parts[0].header_len, &pos, &field) >
		0) {
		/* A line that is no field is shown as it is. */
		if (field.name_len > 0 &&
			(!put_name(&field, out) || !stralloc_cats(out, ": ")))
			return false;
		if (!mime_headers_value(&field, out) ||
			!stralloc_cats(out, "\n") || !command_flush(out, false))
			return false;
	}
	return true;
}
