/* Tests of the header and the envelope: header, address, envelope (RFC 5228,
 * 5.1, 5.4, 5.7; RFC 5233; RFC 5260, 6). */
#include <string.h>
#include <strings.h>
#include "local/sieve/state.h"
#include "mime/address.h"
#include "mime/header.h"
#include "mime/rfc2047.h"

char const *
sieve_header(struct sieve_run const *r, size_t *len_r)
{
	*len_r = r->is_edited ? r->header.len : r->mail->header_len;
	return r->is_edited ? r->header.s : r->mail->header;
}

static bool
is_named(struct header_field const *f, char const *name, size_t len)
{
	return f->name_len == len && strncasecmp(f->name, name, len) == 0;
}

static uint64_t
count_fields(char const *s, size_t len, char const *name, size_t name_len)
{
	struct header_field f;
	uint64_t count = 0;
	size_t pos = 0;

	while (header_next(s, len, &pos, &f) > 0)
		count += is_named(&f, name, name_len);
	return count;
}

int
sieve_each_field(struct sieve_run *r, struct sieve_node const *n,
	char const *name, size_t name_len,
	int (*each)(void *data, char const *value, size_t len), void *data)
{
	struct header_field f;
	size_t len, pos = 0;
	char const *const s = sieve_header(r, &len);
	uint64_t wanted = n->flags & SIEVE_F_INDEX ? n->number : 0, at = 0;
	int go = 1;

	if (!sieve_spend(r, len / 4))
		return -1;
	if (name_len == 0)
		return 1;
	if (wanted > 0 && (n->flags & SIEVE_F_LAST)) {
		uint64_t const count = count_fields(s, len, name, name_len);

		if (wanted > count)
			return 1;
		wanted = count - wanted + 1;
	}
	while (go > 0 && header_next(s, len, &pos, &f) > 0)
		if (is_named(&f, name, name_len) &&
			(wanted == 0 || ++at == wanted))
			go = each(data, f.value, f.value_len);
	return go;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
sieve_decode(struct sieve_run *r, char const *value, size_t len)
{
	stralloc *const raw = &r->value;

	raw->len = r->decoded.len = 0;
	if (!stralloc_ready(raw, len + 1))
		return sieve_fail_memory(r);
	raw->len = header_unfold(value, len, raw->s);
	while (raw->len > 0 && is_blank(raw->s[raw->len - 1]))
		raw->len--;
	if (!stralloc_ready(&r->decoded, raw->len + 1) ||
		!rfc2047_decode(&r->decoded, raw->s, raw->len))
		return sieve_fail_memory(r);
	return sieve_spend(r, len);
}

static int
match_field(void *data, char const *value, size_t len)
{
	struct sieve_matcher *const m = data;

	if (!sieve_decode(m->r, value, len) ||
		!sieve_match_value(m, m->r->decoded.s, m->r->decoded.len))
		return -1;
	return !m->matched;
}

/* Each field that the test names. */
static int
match_fields(struct sieve_matcher *m,
	int (*each)(void *data, char const *value, size_t len))
{
	struct sieve_run *const r = m->r;
	stralloc name = STRALLOC_ZERO;
	int go = 1;

	for (uint32_t i = 0; go > 0 && i < m->n->args[0].count; i++) {
		go = sieve_get(r, m->n->args[0], i, &name) ? 1 : -1;
		if (go > 0)
			go = sieve_each_field(
				r, m->n, name.s, name.len, each, m);
	}
	stralloc_free(&name);
	return go < 0 ? -1 : sieve_match_end(m);
}

int
sieve_test_header(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_matcher m = {.r = r, .n = n};

	return match_fields(&m, match_field);
}

/* The part of an address that a test looks at. False: it has none, and is no
 * match whatever the key. whole: local@host. */
static bool
part_of(struct sieve_node const *n, char const *whole, size_t local_len,
	size_t whole_len, char const **s_r, size_t *len_r)
{
	char const *const plus =
		local_len > 0 ? memchr(whole, '+', local_len) : NULL;

	*s_r = whole;
	switch ((enum sieve_part)n->part) {
	case SIEVE_ALL:
		*len_r = whole_len;
		break;
	case SIEVE_LOCALPART:
		*len_r = local_len;
		break;
	case SIEVE_DOMAIN:
		*s_r = whole +
		       (local_len < whole_len ? local_len + 1 : whole_len);
		*len_r = whole_len - (size_t)(*s_r - whole);
		break;
	case SIEVE_USER:
		*len_r = plus != NULL ? (size_t)(plus - whole) : local_len;
		break;
	case SIEVE_DETAIL:
		if (plus == NULL)
			return false;
		*s_r = plus + 1;
		*len_r = local_len - (size_t)(*s_r - whole);
		break;
	}
	return true;
}

static bool
match_part(struct sieve_matcher *m, char const *whole, size_t local_len,
	size_t whole_len)
{
	char const *s;
	size_t len = 0;

	return !part_of(m->n, whole, local_len, whole_len, &s, &len) ||
	       sieve_match_value(m, s, len);
}

static bool
match_address(struct sieve_matcher *m, struct address const *a)
{
	stralloc *const whole = &m->r->decoded;
	size_t local_len;

	if (a->kind != ADDRESS_MAILBOX || a->local.s == NULL)
		return true;
	whole->len = 0;
	if (!stralloc_catb(whole, a->local.s, a->local.len))
		return sieve_fail_memory(m->r);
	local_len = whole->len;
	if (a->host.s != NULL && a->host.len > 0 &&
		(!stralloc_catb(whole, "@", 1) ||
			!stralloc_catb(whole, a->host.s, a->host.len)))
		return sieve_fail_memory(m->r);
	return match_part(m, whole->s, local_len, whole->len);
}

static int
match_addresses(void *data, char const *value, size_t len)
{
	struct sieve_matcher *const m = data;
	struct address_cursor c;
	struct address a;

	if (!stralloc_ready(&m->r->value, ADDRESS_BUF(len))) {
		(void)sieve_fail_memory(m->r);
		return -1;
	}
	if (!sieve_spend(m->r, len))
		return -1;
	address_init(&c, value, len, m->r->value.s);
	while (!m->matched && address_next(&c, &a) > 0)
		if (!match_address(m, &a))
			return -1;
	return !m->matched;
}

int
sieve_test_address(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_matcher m = {.r = r, .n = n};

	return match_fields(&m, match_addresses);
}

/* The null reverse-path is the empty string in every part (RFC 5228, 5.4). */
static bool
match_path(struct sieve_matcher *m, char const *s, size_t len)
{
	char const *const at = len > 0 ? memrchr(s, '@', len) : NULL;

	if (len == 0)
		return sieve_match_value(m, "", 0);
	return match_part(m, s, at != NULL ? (size_t)(at - s) : len, len);
}

int
sieve_test_envelope(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_matcher m = {.r = r, .n = n};
	struct sieve_mail const *const mail = r->mail;

	for (uint32_t i = 0; !m.matched && i < n->args[0].count; i++) {
		stralloc *const part = &r->value;
		bool ok = sieve_get(r, n->args[0], i, part);

		if (ok && part->len == 4 &&
			strncasecmp(part->s, "from", 4) == 0)
			ok = match_path(&m, mail->from, mail->from_len);
		else if (ok && part->len == 2 &&
			 strncasecmp(part->s, "to", 2) == 0)
			ok = match_path(&m, mail->to, mail->to_len);
		if (!ok)
			return -1;
	}
	return sieve_match_end(&m);
}
