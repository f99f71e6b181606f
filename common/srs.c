/* Senders rewritten for forwarding, and undone: see srs.h. */
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include "common/srs.h"

/* 30 bits: a guess costs a whole transaction with us. */
#define HASH_LEN 6
#define DAY_LEN 2
#define DAYS 1024
#define DAY_SECONDS 86400

static char const digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* Text in the making. */
struct text {
	char *s;
	size_t len;
	bool failed;
};

static void
put(struct text *t, char const *s, size_t len)
{
	if (t->failed || len >= SRS_ADDRESS_SIZE - t->len) {
		t->failed = true;
		return;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
}

static void
puts_text(struct text *t, char const *s)
{
	put(t, s, strlen(s));
}

/* What is hashed, in pieces. */
struct piece {
	char const *s;
	size_t len;
};

static void
make_hash(unsigned char const key[SRS_KEY_LEN], struct piece const *pieces,
	size_t count, char hash_r[HASH_LEN])
{
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	uint64_t bits = 0;

	crypto_auth_hmacsha256_init(&state, key, SRS_KEY_LEN);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < pieces[i].len; k++) {
			unsigned char c = (unsigned char)pieces[i].s[k];
			if (c >= 'A' && c <= 'Z')
				c = (unsigned char)(c + ('a' - 'A'));
			crypto_auth_hmacsha256_update(&state, &c, 1);
		}
		crypto_auth_hmacsha256_update(
			&state, (unsigned char const *)"\n", 1);
	}
	crypto_auth_hmacsha256_final(&state, mac);
	for (size_t i = 0; i < 8; i++)
		bits = bits << 8 | mac[i];
	for (size_t i = 0; i < HASH_LEN; i++)
		hash_r[i] = digits[bits >> (59 - 5 * i) & 31];
	sodium_memzero(&state, sizeof state);
}

static bool
is_hash(unsigned char const key[SRS_KEY_LEN], struct piece const *pieces,
	size_t count, struct piece hash)
{
	char wanted[HASH_LEN], given[HASH_LEN];

	if (hash.len != HASH_LEN)
		return false;
	make_hash(key, pieces, count, wanted);
	for (size_t i = 0; i < HASH_LEN; i++)
		given[i] = (char)(hash.s[i] >= 'a' && hash.s[i] <= 'z'
					  ? hash.s[i] - ('a' - 'A')
					  : hash.s[i]);
	return sodium_memcmp(wanted, given, HASH_LEN) == 0;
}

static unsigned
day_of(uint64_t now)
{
	return (unsigned)(now / DAY_SECONDS % DAYS);
}

static bool
read_day(struct piece day, unsigned *day_r)
{
	*day_r = 0;
	for (size_t i = 0; i < day.len; i++) {
		char c = (char)(day.s[i] >= 'a' && day.s[i] <= 'z'
					? day.s[i] - ('a' - 'A')
					: day.s[i]);
		char const *at = c != '\0' ? strchr(digits, c) : NULL;
		if (at == NULL)
			return false;
		*day_r = *day_r * 32 + (unsigned)(at - digits);
	}
	return day.len == DAY_LEN;
}

/* The octets in front of the next `=`, which is taken too. */
static bool
cut(struct piece *from, struct piece *field_r)
{
	char const *at = memchr(from->s, '=', from->len);

	if (at == NULL || at == from->s)
		return false;
	*field_r = (struct piece){from->s, (size_t)(at - from->s)};
	from->len -= field_r->len + 1;
	from->s = at + 1;
	return true;
}

/* A quoted local part without its quotes: what it says stands within. */
static bool
unquote(struct piece *local)
{
	if (local->len < 2 || *local->s != '"')
		return false;
	local->s++;
	local->len -= 2;
	return true;
}

/* 0, 1; -1: neither. What is behind `SRS0`, the separator first, is rest. */
static int
form_of(struct piece local, struct piece *rest_r)
{
	if (local.len < 5 || strncasecmp(local.s, "SRS", 3) != 0 ||
		(local.s[3] != '0' && local.s[3] != '1') ||
		memchr("=+-", local.s[4], 3) == NULL)
		return -1;
	*rest_r = (struct piece){local.s + 4, local.len - 4};
	return local.s[3] - '0';
}

bool
srs_is_form(char const *local, size_t len)
{
	struct piece p = {local, len}, rest;

	(void)unquote(&p);
	return form_of(p, &rest) >= 0;
}

static void
end_address(struct text *t, bool is_quoted, char const *own)
{
	if (is_quoted)
		put(t, "\"", 1);
	put(t, "@", 1);
	puts_text(t, own);
}

static void
write_first(struct text *t, unsigned char const key[SRS_KEY_LEN], uint64_t now,
	struct piece local, struct addr const *sender)
{
	unsigned day = day_of(now);
	char day_text[] = {digits[day / 32], digits[day % 32]};
	struct piece const hashed[] = {{day_text, DAY_LEN},
		{sender->domain, sender->domain_len}, local};
	char hash[HASH_LEN];

	make_hash(key, hashed, 3, hash);
	puts_text(t, "SRS0=");
	put(t, hash, HASH_LEN);
	put(t, "=", 1);
	put(t, day_text, DAY_LEN);
	put(t, "=", 1);
	put(t, sender->domain, sender->domain_len);
	put(t, "=", 1);
	put(t, local.s, local.len);
}

static void
write_second(struct text *t, unsigned char const key[SRS_KEY_LEN],
	struct piece host, struct piece rest)
{
	struct piece const hashed[] = {host, rest};
	char hash[HASH_LEN];

	make_hash(key, hashed, 2, hash);
	puts_text(t, "SRS1=");
	put(t, hash, HASH_LEN);
	put(t, "=", 1);
	put(t, host.s, host.len);
	put(t, "=", 1);
	put(t, rest.s, rest.len);
}

/* The host that forwarded first, and what it made, of another's SRS1. */
static bool
read_second(struct piece rest, struct piece *hash_r, struct piece *host_r,
	struct piece *rest_r)
{
	rest.s++;
	rest.len--;
	if (!cut(&rest, hash_r) || !cut(&rest, host_r) || rest.len < 2 ||
		memchr("=+-", *rest.s, 3) == NULL ||
		!addr_is_domain(host_r->s, host_r->len, ADDR_ALLOW_UTF8))
		return false;
	*rest_r = rest;
	return true;
}

size_t
srs_forward(unsigned char const key[SRS_KEY_LEN], uint64_t now,
	struct addr const *sender, char const *own, char out[SRS_ADDRESS_SIZE])
{
	struct text t = {.s = out};
	struct piece local = {sender->local, sender->local_len};
	struct piece rest, ignored, host = {sender->domain, sender->domain_len};
	bool is_quoted = unquote(&local);
	int form = form_of(local, &rest);

	out[0] = '\0';
	if (local.len == 0 || sender->is_literal ||
		!addr_is_domain(
			sender->domain, sender->domain_len, ADDR_ALLOW_UTF8))
		return 0;
	if (is_quoted)
		put(&t, "\"", 1);
	if (form == 0 && rest.len > 1)
		write_second(&t, key, host, rest);
	else if (form == 1 && read_second(rest, &ignored, &host, &rest))
		write_second(&t, key, host, rest);
	else
		write_first(&t, key, now, local, sender);
	end_address(&t, is_quoted, own);
	out[t.failed ? 0 : t.len] = '\0';
	return t.failed ? 0 : t.len;
}

static enum srs_verdict
reverse_first(unsigned char const key[SRS_KEY_LEN], uint64_t now,
	struct piece rest, struct text *t, bool is_quoted)
{
	struct piece hash, day_text, domain;
	unsigned day;

	rest.s++;
	rest.len--;
	if (!cut(&rest, &hash) || !cut(&rest, &day_text) ||
		!cut(&rest, &domain) || rest.len == 0 ||
		!read_day(day_text, &day) ||
		!addr_is_domain(domain.s, domain.len, ADDR_ALLOW_UTF8))
		return SRS_FORGED;
	struct piece const hashed[] = {day_text, domain, rest};
	if (!is_hash(key, hashed, 3, hash))
		return SRS_FORGED;
	if ((day_of(now) + DAYS - day) % DAYS > SRS_DAYS_MAX)
		return SRS_EXPIRED;
	if (is_quoted)
		put(t, "\"", 1);
	put(t, rest.s, rest.len);
	if (is_quoted)
		put(t, "\"", 1);
	put(t, "@", 1);
	put(t, domain.s, domain.len);
	return SRS_FINE;
}

static enum srs_verdict
reverse_second(unsigned char const key[SRS_KEY_LEN], struct piece rest,
	struct text *t, bool is_quoted)
{
	struct piece hash, host;

	if (!read_second(rest, &hash, &host, &rest))
		return SRS_FORGED;
	struct piece const hashed[] = {host, rest};
	if (!is_hash(key, hashed, 2, hash))
		return SRS_FORGED;
	puts_text(t, is_quoted ? "\"SRS0" : "SRS0");
	put(t, rest.s, rest.len);
	if (is_quoted)
		put(t, "\"", 1);
	put(t, "@", 1);
	put(t, host.s, host.len);
	return SRS_FINE;
}

enum srs_verdict
srs_reverse(unsigned char const key[SRS_KEY_LEN], uint64_t now,
	char const *local, size_t len, char out[SRS_ADDRESS_SIZE],
	size_t *len_r)
{
	struct text t = {.s = out};
	struct piece p = {local, len}, rest;
	bool is_quoted = unquote(&p);
	int form = form_of(p, &rest);
	enum srs_verdict verdict = SRS_FORGED;

	if (form == 0)
		verdict = reverse_first(key, now, rest, &t, is_quoted);
	else if (form == 1)
		verdict = reverse_second(key, rest, &t, is_quoted);
	if (t.failed)
		verdict = SRS_FORGED;
	*len_r = verdict == SRS_FINE ? t.len : 0;
	out[*len_r] = '\0';
	return verdict;
}
