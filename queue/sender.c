/* Who a message is from, for fairness. */
#include <string.h>
#include <sodium.h>
#include "queue/sender.h"

/* The most that is regarded of an address. */
#define KEY_MAX (QUEUEFILE_ADDRESS_MAX + sizeof(uid_t))

static uint32_t
hash(char const *s, size_t len)
{
	static unsigned char key[crypto_shorthash_KEYBYTES];
	static bool has_key;
	unsigned char out[crypto_shorthash_BYTES];
	uint32_t n;

	if (!has_key)
		randombytes_buf(key, sizeof key);
	has_key = true;
	crypto_shorthash(out, (unsigned char const *)s, len, key);
	memcpy(&n, out, sizeof n);
	return n;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static uint32_t
number_of_address(char const *s, size_t len)
{
	char key[KEY_MAX];
	char const *at = len > 0 ? memrchr(s, '@', len) : NULL;
	size_t local = at != NULL ? (size_t)(at - s) : len, n = 0;

	for (size_t i = 0; i < local && n < sizeof key; i++) {
		if (s[i] == '+' || s[i] == '=')
			break;
		key[n++] = lower(s[i]);
	}
	for (size_t i = local; i < len && n < sizeof key; i++)
		key[n++] = lower(s[i]);
	return hash(key, n);
}

uint32_t
sender_number(struct owner_accounts const *a, struct queued const *m)
{
	uid_t uid = m->owner == a->queue && m->q.has_dropper
			    ? (uid_t)m->q.dropper
			    : m->owner;

	if (uid == a->smtpd || uid == a->relay || uid == a->queue)
		return number_of_address(m->q.sender, m->q.sender_len);
	return hash((char const *)&uid, sizeof uid);
}
