/* Makes parts fit to be signed; see sevenbit.h. */
#include <string.h>

#include "mime/encode.h"
#include "mime/sevenbit.h"

static bool
is_fit(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char const c = (unsigned char)s[i];
		bool const start = i == 0 || s[i - 1] == '\n';

		if (c >= 0x80 || c == '\0' || c == '\r')
			return false;
		if ((c == ' ' || c == '\t') &&
			(i + 1 == len || s[i + 1] == '\n'))
			return false;
		if (start && len - i >= 5 && memcmp(s + i, "From ", 5) == 0)
			return false;
	}
	return true;
}

/* The header without its empty line, nor the encoding if `encoding` names
 * another. */
static bool
put_header(struct message const *m, struct structure_part const *part,
	char const *encoding, stralloc *out)
{
	char const *const s = m->text.s + part->header_offset;
	struct header_field f;
	size_t pos = 0;

	while (header_next(s, part->header_len, &pos, &f) > 0)
		if (!(encoding && header_is(&f, "content-transfer-encoding")) &&
			(!stralloc_catb(out, f.line, f.line_len) ||
				(f.line[f.line_len - 1] != '\n' &&
					!stralloc_append(out, '\n'))))
			return false;
	return !encoding ||
	       (stralloc_cats(out, "Content-Transfer-Encoding: ") &&
		       stralloc_cats(out, encoding) &&
		       stralloc_append(out, '\n'));
}

static bool
put_leaf(struct message const *m, struct structure_part const *part,
	stralloc *header, stralloc *body)
{
	char const *const s = m->text.s + part->body_offset;

	if (part->encoding != STRUCTURE_IDENTITY || is_fit(s, part->body_len))
		return put_header(m, part, NULL, header) &&
		       stralloc_catb(body, s, part->body_len);
	if (structure_is(m->text.s, part, "text/"))
		return put_header(m, part, "quoted-printable", header) &&
		       encode_text(body, ENCODE_QUOTED, s, part->body_len);
	return put_header(m, part, "base64", header) &&
	       encode_base64(body, s, part->body_len);
}

static bool
put_multipart(struct message const *m, struct structure_part const *part,
	stralloc *header, stralloc *body)
{
	char const *const s = m->text.s;
	size_t pos = part->body_offset;

	for (uint32_t i = part->child;
		i != STRUCTURE_NONE && !m->parts[i].made_up;
		i = m->parts[i].next) {
		struct structure_part const *const inner = &m->parts[i];
		stralloc text = STRALLOC_ZERO;
		bool const ok =
			stralloc_catb(
				body, s + pos, inner->header_offset - pos) &&
			sevenbit_part(m, i, body, &text) &&
			stralloc_append(body, '\n') &&
			stralloc_catb(body, text.s ? text.s : "", text.len);

		stralloc_free(&text);
		if (!ok)
			return false;
		pos = inner->body_offset + inner->body_len;
	}
	return put_header(m, part, NULL, header) &&
	       stralloc_catb(
		       body, s + pos, part->body_offset + part->body_len - pos);
}

bool
sevenbit_part(
	struct message const *m, uint32_t i, stralloc *header, stralloc *body)
{
	struct structure_part const *part = &m->parts[i];

	if (part->kind == STRUCTURE_MULTIPART)
		return put_multipart(m, part, header, body);
	if (part->kind == STRUCTURE_LEAF && !part->opaque)
		return put_leaf(m, part, header, body);
	return put_header(m, part, NULL, header) &&
	       stralloc_catb(
		       body, m->text.s + part->body_offset, part->body_len);
}
