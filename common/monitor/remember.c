/* Passwords that were right a short while ago. */
#include <string.h>
#include "common/monitor/remember.h"

#define ENTRIES 1024
#define DIGEST_LEN 32

struct entry {
	unsigned char digest[DIGEST_LEN];
	uint64_t until_ms;
};

static struct entry entries[ENTRIES];
static unsigned char key[crypto_generichash_KEYBYTES];
static uint64_t keep_ms;

void
remember_init(uint64_t keep)
{
	randombytes_buf(key, sizeof key);
	sodium_memzero(entries, sizeof entries);
	keep_ms = keep;
}

/* Fixed lengths, but for the password, which comes last: no two questions are
 * the same octets. */
static void
make_digest(struct question const *q, unsigned char digest[DIGEST_LEN])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, key, sizeof key, DIGEST_LEN);
	crypto_generichash_update(
		&state, (unsigned char const *)q->hash, sizeof q->hash);
	crypto_generichash_update(
		&state, (unsigned char const *)q->user, sizeof q->user);
	crypto_generichash_update(
		&state, (unsigned char const *)q->password, q->password_len);
	crypto_generichash_final(&state, digest, DIGEST_LEN);
	sodium_memzero(&state, sizeof state);
}

static struct entry *
slot(unsigned char const digest[DIGEST_LEN])
{
	uint32_t n;

	memcpy(&n, digest, sizeof n);
	return &entries[n % ENTRIES];
}

bool
remember_has(struct question const *q, uint64_t now_ms)
{
	unsigned char digest[DIGEST_LEN];
	struct entry const *e;

	if (!q->is_known)
		return false;
	make_digest(q, digest);
	e = slot(digest);
	return e->until_ms > now_ms &&
	       sodium_memcmp(e->digest, digest, DIGEST_LEN) == 0;
}

void
remember_add(struct question const *q, uint64_t now_ms)
{
	unsigned char digest[DIGEST_LEN];
	struct entry *e;

	make_digest(q, digest);
	e = slot(digest);
	memcpy(e->digest, digest, DIGEST_LEN);
	e->until_ms = now_ms + keep_ms;
}
