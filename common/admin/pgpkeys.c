/* Walks over OpenPGP packets: see pgpkeys.h. */
#include <string.h>
#include <strings.h>
#include "common/admin/pgpkeys.h"

/* RFC 4880, 4.3 */
enum {
	TAG_SIGNATURE = 2,
	TAG_SECRET_KEY = 5,
	TAG_KEY = 6,
	TAG_SECRET_SUBKEY = 7,
	TAG_USER_ID = 13,
	TAG_SUBKEY = 14
};

struct packet {
	unsigned tag;
	size_t start, body, end;
};

static size_t
big_endian(unsigned char const *s, size_t n)
{
	size_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | s[i];
	return value;
}

/* RFC 4880, 4.2.1 and 4.2.2; lengths in pieces are for data, not for keys. */
static bool
read_length(unsigned char const *s, size_t left, bool is_new, unsigned kind,
	size_t *header_r, size_t *len_r)
{
	size_t n;

	if (left < 2)
		return false;
	if (!is_new) {
		n = (size_t)1 << kind;
		if (kind == 3 || left < 1 + n)
			return false;
		*len_r = big_endian(s + 1, n);
		*header_r = 1 + n;
	} else if (s[1] < 192) {
		*len_r = s[1];
		*header_r = 2;
	} else if (s[1] < 224) {
		if (left < 3)
			return false;
		*len_r = ((size_t)(s[1] - 192) << 8) + s[2] + 192;
		*header_r = 3;
	} else {
		if (s[1] != 255 || left < 6)
			return false;
		*len_r = big_endian(s + 2, 4);
		*header_r = 6;
	}
	return *len_r <= left - *header_r;
}

/* False: there is no whole packet. */
static bool
next_packet(char const *text, size_t len, size_t pos, struct packet *p)
{
	unsigned char const *s = (unsigned char const *)text + pos;
	size_t header, body;
	bool is_new;

	if (pos >= len || !(s[0] & 0x80))
		return false;
	is_new = (s[0] & 0x40) != 0;
	p->tag = is_new ? s[0] & 0x3fu : s[0] >> 2 & 0x0fu;
	if (!read_length(s, len - pos, is_new, s[0] & 3u, &header, &body))
		return false;
	p->start = pos;
	p->body = pos + header;
	p->end = p->body + body;
	return true;
}

static bool
is_secret(unsigned tag)
{
	return tag == TAG_SECRET_KEY || tag == TAG_SECRET_SUBKEY;
}

int
pgpkeys_next(char const *s, size_t len, size_t *pos, struct pgpkeys_span *key_r)
{
	struct packet p;

	if (*pos == len)
		return 0;
	if (!next_packet(s, len, *pos, &p) || p.tag != TAG_KEY)
		return -1;
	key_r->start = p.start;
	do {
		*pos = p.end;
		if (*pos == len)
			break;
		if (!next_packet(s, len, *pos, &p) || is_secret(p.tag))
			return -1;
	} while (p.tag != TAG_KEY);
	key_r->end = *pos;
	return 1;
}

static bool
find_address(char const *s, struct packet const *p, struct pgpkeys_span *r)
{
	char const *const text = s + p->body;
	size_t const len = p->end - p->body;
	char const *const open = memrchr(text, '<', len);
	char const *const close = memrchr(text, '>', len);

	*r = (struct pgpkeys_span){p->body, p->end};
	if (open && close && close > open) {
		r->start = (size_t)(open - s) + 1;
		r->end = (size_t)(close - s);
	} else if (open || close) {
		return false;
	}
	return memchr(s + r->start, '@', r->end - r->start) != NULL;
}

bool
pgpkeys_address(char const *s, struct pgpkeys_span const *key, size_t *pos,
	struct pgpkeys_span *address_r)
{
	struct packet p;
	size_t at = *pos > 0 ? *pos : key->start;

	while (at < key->end && next_packet(s, key->end, at, &p)) {
		at = p.end;
		if (p.tag == TAG_USER_ID && find_address(s, &p, address_r)) {
			*pos = at;
			return true;
		}
	}
	return false;
}

bool
pgpkeys_copy(stralloc *out, char const *s, struct pgpkeys_span const *key,
	char const *address, size_t len)
{
	struct packet p;
	struct pgpkeys_span a;
	size_t at = key->start;
	bool wanted = true; /* the signatures that follow */

	while (at < key->end && next_packet(s, key->end, at, &p)) {
		at = p.end;
		if (p.tag == TAG_USER_ID)
			wanted = find_address(s, &p, &a) &&
				 a.end - a.start == len &&
				 strncasecmp(s + a.start, address, len) == 0;
		else if (p.tag != TAG_SIGNATURE)
			wanted = p.tag == TAG_KEY || p.tag == TAG_SUBKEY;
		if (wanted && !stralloc_catb(out, s + p.start, p.end - p.start))
			return false;
	}
	return true;
}
