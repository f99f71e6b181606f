/* Does a message hold a string? See search_text.h. */
#include <string.h>
#include <strings.h>

#include "mime/fold.h"
#include "imapd/search_text.h"
#include "mime/address.h"
#include "mime/charset.h"
#include "mime/decode.h"
#include "mime/header.h"
#include "mime/rfc2045.h"
#include "mime/rfc2047.h"

/* Octets of a part that are decoded at a time. */
#define PIECE 16384
#define CHARSET_NAME_MAX 64

static stralloc decoded = STRALLOC_ZERO, raw = STRALLOC_ZERO;

static bool
has(char const *s, size_t s_len, char const *needle, size_t len)
{
	return len == 0 || memmem(s, s_len, needle, len) != NULL;
}

/* Decode and fold a field's value (or a whole field) into `decoded`. */
static bool
decode_field(char const *s, size_t len)
{
	raw.len = decoded.len = 0;
	if (!stralloc_ready(&raw, len + 1))
		return false;
	raw.len = header_unfold(s, len, raw.s);
	if (!rfc2047_decode(&decoded, raw.s, raw.len))
		return false;
	fold(decoded.s, decoded.len);
	return true;
}

/* Addresses as they are meant, without comments and quotes, in `decoded`. */
static bool
plain_addresses(char const *s, size_t len)
{
	struct address_cursor cursor;
	struct address a;

	raw.len = decoded.len = 0;
	if (!stralloc_ready(&raw, ADDRESS_BUF(len)))
		return false;
	address_init(&cursor, s, len, raw.s);
	while (address_next(&cursor, &a) > 0) {
		if (a.kind != ADDRESS_MAILBOX || a.local.s == NULL ||
			a.host.s == NULL)
			continue;
		if (!stralloc_catb(&decoded, a.local.s, a.local.len) ||
			!stralloc_catb(&decoded, "@", 1) ||
			!stralloc_catb(&decoded, a.host.s, a.host.len) ||
			!stralloc_catb(&decoded, "\n", 1))
			return false;
	}
	fold(decoded.s, decoded.len);
	return true;
}

static bool
holds_addresses(char const *name, size_t len)
{
	static char const *const names[] = {"From", "To", "Cc", "Bcc"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == len &&
			strncasecmp(names[i], name, len) == 0)
			return true;
	return false;
}

int
search_text_field(struct content *c, char const *name, size_t name_len,
	char const *needle, size_t len)
{
	struct header_field field;
	size_t pos = 0;

	if (!content_header(c))
		return -1;
	while (header_next(c->s, c->header_len, &pos, &field) > 0) {
		if (field.name_len != name_len ||
			strncasecmp(field.name, name, name_len) != 0)
			continue;
		if (len == 0)
			return 1;
		if (!decode_field(field.value, field.value_len))
			return -1;
		if (has(decoded.s, decoded.len, needle, len))
			return 1;
		if (!holds_addresses(name, name_len))
			continue;
		if (!plain_addresses(field.value, field.value_len))
			return -1;
		if (decoded.len > 0 && has(decoded.s, decoded.len, needle, len))
			return 1;
	}
	return 0;
}

/* In any line of a header, names included. */
static int
in_header(char const *s, size_t s_len, char const *needle, size_t len)
{
	struct header_field field;
	size_t pos = 0;

	while (header_next(s, s_len, &pos, &field) > 0) {
		if (!decode_field(field.line, field.line_len))
			return -1;
		if (has(decoded.s, decoded.len, needle, len))
			return 1;
	}
	return 0;
}

static void
part_charset(struct content const *c, struct structure_part const *part,
	char *name, size_t *len_r)
{
	char const *const value = c->s + part->content_type.offset;
	size_t const value_len = part->content_type.len;
	size_t type, type_len, subtype, subtype_len, pos;
	struct rfc2045_param param;

	*len_r = 0;
	if (rfc2045_type(value, value_len, &type, &type_len, &subtype,
		    &subtype_len, &pos) &&
		rfc2045_find(value, value_len, pos, "charset", &param) &&
		param.value_len <= CHARSET_NAME_MAX)
		*len_r = rfc2045_value(&param, name);
}

/* Look at what has been decoded; of what is done with, as much is kept as the
 * start of a match could be. */
static bool
look(size_t fresh, char const *needle, size_t len)
{
	size_t keep = len > 0 ? len - 1 : 0;

	fold(decoded.s + fresh, decoded.len - fresh);
	if (has(decoded.s, decoded.len, needle, len))
		return true;
	if (keep > decoded.len)
		keep = decoded.len;
	memmove(decoded.s, decoded.s + decoded.len - keep, keep);
	decoded.len = keep;
	return false;
}

static int
in_part(struct content const *c, struct structure_part const *part,
	char const *needle, size_t len)
{
	char const *const s = c->s + part->body_offset;
	char name[CHARSET_NAME_MAX], piece[DECODE_ROOM(PIECE)];
	struct charset_decoder charset;
	struct decode decode;
	size_t name_len, fresh;

	part_charset(c, part, name, &name_len);
	charset_init(&charset, name, name_len);
	decode_init(&decode, (enum structure_encoding)part->encoding);
	decoded.len = 0;
	for (size_t at = 0; at < part->body_len; at += PIECE) {
		size_t const left = part->body_len - at;
		size_t const n = decode_push(
			&decode, s + at, left < PIECE ? left : PIECE, piece);

		fresh = decoded.len;
		if (!charset_push(&charset, piece, n, &decoded))
			return -1;
		if (decoded.s != NULL && look(fresh, needle, len))
			return 1;
	}
	fresh = decoded.len;
	if (!charset_push(
		    &charset, piece, decode_finish(&decode, piece), &decoded) ||
		!charset_finish(&charset, &decoded))
		return -1;
	return decoded.s != NULL && look(fresh, needle, len);
}

int
search_text_body(struct content *c, char const *needle, size_t len)
{
	if (!content_parts(c))
		return -1;
	for (size_t i = 0; i < c->parts_count; i++) {
		struct structure_part const *const part = &c->parts[i];
		bool const is_message =
			part->parent != STRUCTURE_NONE &&
			c->parts[part->parent].kind == STRUCTURE_MESSAGE;
		int r = 0;

		if (is_message)
			r = in_header(c->s + part->header_offset,
				part->header_len, needle, len);
		if (r == 0 && part->kind == STRUCTURE_LEAF &&
			structure_is(c->s, part, "text/"))
			r = in_part(c, part, needle, len);
		if (r != 0)
			return r;
	}
	return 0;
}

int
search_text_all(struct content *c, char const *needle, size_t len)
{
	int r;

	if (!content_header(c))
		return -1;
	r = in_header(c->s, c->header_len, needle, len);
	return r != 0 ? r : search_text_body(c, needle, len);
}

void
search_text_release(void)
{
	stralloc_free(&decoded);
	stralloc_free(&raw);
}
