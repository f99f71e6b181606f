/* What a server keeps of a password for SCRAM-SHA-256. */
#include <stdio.h>
#include <string.h>
#include <sodium.h>
#include "common/scramkey.h"

#define NAME "SCRAM-SHA-256$"
#define BASE64(n) (((n) + 2) / 3 * 4)

_Static_assert(SCRAMKEY_HASH_LEN == crypto_auth_hmacsha256_BYTES &&
		       SCRAMKEY_HASH_LEN == crypto_hash_sha256_BYTES,
	"the size of SHA-256");

bool
scramkey_is_prepared(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return len > 0;
}

/* PBKDF2 with one block. */
void
scramkey_salt(unsigned char const *salt, size_t salt_len, uint32_t iterations,
	char const *password, size_t len, unsigned char out[SCRAMKEY_HASH_LEN])
{
	crypto_auth_hmacsha256_state keyed, state;
	unsigned char u[SCRAMKEY_HASH_LEN];

	crypto_auth_hmacsha256_init(
		&keyed, (unsigned char const *)password, len);
	state = keyed;
	crypto_auth_hmacsha256_update(&state, salt, salt_len);
	crypto_auth_hmacsha256_update(
		&state, (unsigned char const *)"\0\0\0\1", 4);
	crypto_auth_hmacsha256_final(&state, u);
	memcpy(out, u, sizeof u);
	for (uint32_t i = 1; i < iterations; i++) {
		state = keyed;
		crypto_auth_hmacsha256_update(&state, u, sizeof u);
		crypto_auth_hmacsha256_final(&state, u);
		for (size_t j = 0; j < sizeof u; j++)
			out[j] ^= u[j];
	}
	sodium_memzero(&keyed, sizeof keyed);
	sodium_memzero(&state, sizeof state);
	sodium_memzero(u, sizeof u);
}

void
scramkey_derive(struct scramkey *key, char const *password, size_t len)
{
	unsigned char salted[SCRAMKEY_HASH_LEN], client[SCRAMKEY_HASH_LEN];

	scramkey_salt(key->salt, sizeof key->salt, key->iterations, password,
		len, salted);
	crypto_auth_hmacsha256(
		client, (unsigned char const *)"Client Key", 10, salted);
	crypto_hash_sha256(key->stored, client, sizeof client);
	crypto_auth_hmacsha256(
		key->server, (unsigned char const *)"Server Key", 10, salted);
	sodium_memzero(salted, sizeof salted);
	sodium_memzero(client, sizeof client);
}

void
scramkey_format(char text_r[SCRAMKEY_TEXT_SIZE], struct scramkey const *key)
{
	char salt[BASE64(SCRAMKEY_SALT_LEN) + 1];
	char stored[BASE64(SCRAMKEY_HASH_LEN) + 1];
	char server[BASE64(SCRAMKEY_HASH_LEN) + 1];

	sodium_bin2base64(salt, sizeof salt, key->salt, sizeof key->salt,
		sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(stored, sizeof stored, key->stored,
		sizeof key->stored, sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(server, sizeof server, key->server,
		sizeof key->server, sodium_base64_VARIANT_ORIGINAL);
	(void)snprintf(text_r, SCRAMKEY_TEXT_SIZE, NAME "%u:%s$%s:%s",
		(unsigned)key->iterations, salt, stored, server);
}

struct input {
	char const *s;
	size_t len;
};

static bool
skip(struct input *in, char const *text)
{
	size_t len = strlen(text);

	if (in->len < len || memcmp(in->s, text, len) != 0)
		return false;
	in->s += len;
	in->len -= len;
	return true;
}

static bool
take_number(struct input *in, uint32_t *n_r)
{
	uint32_t n = 0;

	while (in->len > 0 && *in->s >= '0' && *in->s <= '9') {
		n = n * 10 + (uint32_t)(*in->s - '0');
		if (n == 0 || n > SCRAMKEY_ITERATIONS_MAX)
			return false;
		in->s++;
		in->len--;
	}
	*n_r = n;
	return n >= SCRAMKEY_ITERATIONS_MIN;
}

static bool
take_octets(struct input *in, unsigned char *out, size_t len)
{
	size_t text_len = BASE64(len), got;

	if (in->len < text_len ||
		sodium_base642bin(out, len, in->s, text_len, NULL, &got, NULL,
			sodium_base64_VARIANT_ORIGINAL) != 0 ||
		got != len)
		return false;
	in->s += text_len;
	in->len -= text_len;
	return true;
}

bool
scramkey_parse(char const *s, size_t len, struct scramkey *key_r)
{
	struct input in = {s, len};

	return skip(&in, NAME) && take_number(&in, &key_r->iterations) &&
	       skip(&in, ":") &&
	       take_octets(&in, key_r->salt, sizeof key_r->salt) &&
	       skip(&in, "$") &&
	       take_octets(&in, key_r->stored, sizeof key_r->stored) &&
	       skip(&in, ":") &&
	       take_octets(&in, key_r->server, sizeof key_r->server) &&
	       in.len == 0;
}
