/* Parts without their transfer encoding; see binary.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "imapd/binary.h"
#include "mime/decode.h"
#include "mime/section.h"

static bool
add_label(stralloc *out, char const *name, struct fetch_item const *item)
{
	char number[32];

	if (!stralloc_cats(out, name) || !stralloc_cats(out, "["))
		return false;
	for (unsigned i = 0; i < item->section.path_len; i++) {
		(void)snprintf(number, sizeof number, "%s%lu", i > 0 ? "." : "",
			(unsigned long)item->section.path[i]);
		if (!stralloc_cats(out, number))
			return false;
	}
	if (!stralloc_cats(out, "]"))
		return false;
	if (!item->partial)
		return true;
	(void)snprintf(
		number, sizeof number, "<%lu>", (unsigned long)item->origin);
	return stralloc_cats(out, number);
}

static bool
decode_part(stralloc *out, char const *s, struct structure_part const *part)
{
	stralloc text = STRALLOC_ZERO;
	char const *const body = s + part->body_offset;
	struct decode d;
	bool ok = false;

	if (part->kind != STRUCTURE_LEAF ||
		part->encoding == STRUCTURE_IDENTITY)
		return section_crlf(out, body, part->body_len, false);
	if (part->encoding == STRUCTURE_UNKNOWN_ENCODING) {
		errno = ENOTSUP;
		return false;
	}
	if (stralloc_ready(&text,
		    DECODE_ROOM(part->body_len) + DECODE_ROOM((size_t)0))) {
		decode_init(&d, (enum structure_encoding)part->encoding);
		text.len = decode_push(&d, body, part->body_len, text.s);
		text.len += decode_finish(&d, text.s + text.len);
		/* The lines of quoted-printable are those of the file. */
		ok = part->encoding == STRUCTURE_BASE64
			     ? stralloc_catb(out, text.s, text.len)
			     : section_crlf(out, text.s, text.len, false);
	}
	stralloc_free(&text);
	return ok;
}

/* The octets of the section; all of them. */
static bool
octets(struct content *c, struct fetch_item const *item, stralloc *out,
	bool *missing_r)
{
	uint32_t part;

	*missing_r = false;
	if (item->section.path_len == 0)
		return content_whole(c) &&
		       section_crlf(out, c->s, c->len, false);
	if (!content_parts(c))
		return false;
	part = section_part(&item->section, c->parts, c->parts_count);
	*missing_r = part == STRUCTURE_NONE;
	return *missing_r || decode_part(out, c->s, &c->parts[part]);
}

static bool
send_octets(struct session *s, struct fetch_item const *item,
	stralloc const *text, bool missing)
{
	size_t skip = 0, left = text->len;
	char number[48];

	if (!add_label(&s->out, "BINARY", item))
		return false;
	if (missing) {
		if (!stralloc_cats(&s->out, " NIL"))
			return false;
		session_send(s);
		return true;
	}
	if (item->partial) {
		skip = item->origin < left ? item->origin : left;
		left -= skip;
		if (left > item->length)
			left = item->length;
	}
	(void)snprintf(number, sizeof number, " %s{%zu}\r\n",
		left > 0 && memchr(text->s + skip, '\0', left) != NULL ? "~"
								       : "",
		left);
	if (!stralloc_cats(&s->out, number))
		return false;
	session_send(s);
	return left == 0 || stream_write(s->stream, text->s + skip, left);
}

bool
binary_send(struct session *s, struct content *c, struct fetch_item const *item)
{
	stralloc text = STRALLOC_ZERO;
	bool missing;
	bool const ok = octets(c, item, &text, &missing) &&
			send_octets(s, item, &text, missing);
	int const error = errno;

	stralloc_free(&text);
	errno = error;
	return ok;
}

bool
binary_size(stralloc *out, struct content *c, struct fetch_item const *item)
{
	stralloc text = STRALLOC_ZERO;
	char number[32];
	bool missing, ok = octets(c, item, &text, &missing);
	int const error = errno;

	(void)snprintf(number, sizeof number, " %zu", text.len);
	stralloc_free(&text);
	errno = error;
	return ok && add_label(out, "BINARY.SIZE", item) &&
	       stralloc_cats(out, number);
}
