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
/* What has been looked at in vain and may be the start of a match. */
static stralloc tail = STRALLOC_ZERO;

static bool
has(char const *s, size_t s_len, char const *needle, size_t len)
{
	return len == 0 || memmem(s, s_len, needle, len) != NULL;
}

/* Nothing to decode in it? Most fields are such. */
static bool
is_plain(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return memmem(s, len, "=?", 2) == NULL;
}

/* Decode and fold a field's value (or a whole field) into `decoded`. */
static bool
decode_field(char const *s, size_t len)
{
	raw.len = decoded.len = 0;
	if (!stralloc_ready(&raw, len + 1))
		return false;
	raw.len = header_unfold(s, len, raw.s);
	if (is_plain(raw.s, raw.len)) {
		if (!stralloc_copyb(&decoded, raw.s, raw.len))
			return false;
	} else if (!rfc2047_decode(&decoded, raw.s, raw.len)) {
		return false;
	}
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
search_text_field(char const *header, size_t header_len, char const *name,
	size_t name_len, char const *needle, size_t len)
{
	struct header_field field;
	size_t pos = 0;

	while (header_next(header, header_len, &pos, &field) > 0) {
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

struct walk {
	search_text_hear *hear;
	void *arg;
};

/* The lines of a header, names included. */
static int
walk_header(struct walk const *w, char const *s, size_t len, bool in_body)
{
	struct header_field field;
	size_t pos = 0;

	while (header_next(s, len, &pos, &field) > 0) {
		if (!decode_field(field.line, field.line_len))
			return -1;
		if (decoded.s != NULL &&
			!w->hear(w->arg, decoded.s, decoded.len, in_body, true))
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

/* Give what has been decoded on. */
static bool
tell(struct walk const *w, bool unit_ends)
{
	if (decoded.s == NULL && !stralloc_ready(&decoded, 1))
		return true;
	fold(decoded.s, decoded.len);
	return w->hear(w->arg, decoded.s, decoded.len, true, unit_ends);
}

static int
walk_part(struct walk const *w, struct content const *c,
	struct structure_part const *part)
{
	char const *const s = c->s + part->body_offset;
	char name[CHARSET_NAME_MAX], piece[DECODE_ROOM(PIECE)];
	struct charset_decoder charset;
	struct decode decode;
	size_t name_len;

	part_charset(c, part, name, &name_len);
	charset_init(&charset, name, name_len);
	decode_init(&decode, (enum structure_encoding)part->encoding);
	for (size_t at = 0; at < part->body_len; at += PIECE) {
		size_t const left = part->body_len - at;
		size_t const n = decode_push(
			&decode, s + at, left < PIECE ? left : PIECE, piece);

		decoded.len = 0;
		if (!charset_push(&charset, piece, n, &decoded))
			return -1;
		if (!tell(w, false))
			return 1;
	}
	decoded.len = 0;
	if (!charset_push(
		    &charset, piece, decode_finish(&decode, piece), &decoded) ||
		!charset_finish(&charset, &decoded))
		return -1;
	return !tell(w, true);
}

static int
walk_body(struct walk const *w, struct content *c)
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
			r = walk_header(w, c->s + part->header_offset,
				part->header_len, true);
		if (r == 0 && part->kind == STRUCTURE_LEAF &&
			structure_is(c->s, part, "text/"))
			r = walk_part(w, c, part);
		if (r != 0)
			return r;
	}
	return 0;
}

int
search_text_walk(struct content *c, enum search_text_what what,
	search_text_hear *hear, void *arg)
{
	struct walk const w = {hear, arg};
	int r = 0;

	if (what == SEARCH_TEXT_ALL) {
		if (!content_header(c))
			return -1;
		r = walk_header(&w, c->s, c->header_len, false);
	}
	return r != 0 ? r : walk_body(&w, c);
}

struct match {
	char const *needle;
	size_t len;
	bool failed;
};

/* Of what is done with, as much is kept as the start of a match could be. */
static bool
look(void *arg, char const *s, size_t len, bool in_body, bool unit_ends)
{
	struct match *const m = arg;
	size_t keep = m->len > 0 ? m->len - 1 : 0;
	bool found;

	(void)in_body;
	if (tail.len == 0) {
		found = has(s, len, m->needle, m->len);
	} else {
		if (!stralloc_catb(&tail, s, len)) {
			m->failed = true;
			return false;
		}
		s = tail.s;
		len = tail.len;
		found = has(s, len, m->needle, m->len);
	}
	if (found)
		return false;
	if (unit_ends) {
		tail.len = 0;
		return true;
	}
	if (keep > len)
		keep = len;
	if (keep > 0 && !stralloc_ready(&tail, keep)) {
		m->failed = true;
		return false;
	}
	if (keep > 0)
		memmove(tail.s, s + len - keep, keep);
	tail.len = keep;
	return true;
}

static int
find(struct content *c, enum search_text_what what, char const *needle,
	size_t len)
{
	struct match m = {needle, len, false};
	int r;

	tail.len = 0;
	r = search_text_walk(c, what, look, &m);
	return m.failed ? -1 : r;
}

int
search_text_body(struct content *c, char const *needle, size_t len)
{
	return find(c, SEARCH_TEXT_BODY, needle, len);
}

int
search_text_all(struct content *c, char const *needle, size_t len)
{
	return find(c, SEARCH_TEXT_ALL, needle, len);
}

void
search_text_release(void)
{
	stralloc_free(&decoded);
	stralloc_free(&raw);
	stralloc_free(&tail);
}
