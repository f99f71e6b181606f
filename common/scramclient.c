/* The client's side of SCRAM-SHA-256: see scramclient.h. */
#include <sodium.h>
#include <string.h>
#include "common/scramclient.h"

#define HEADER "n,,"
#define HASH_TEXT                                                              \
	sodium_base64_ENCODED_LEN(                                             \
		SCRAMKEY_HASH_LEN, sodium_base64_VARIANT_ORIGINAL)

/* What grows at its end; what does not fit makes it full. */
struct text {
	char *s;
	size_t len, max;
	bool is_full;
};

static void
put(struct text *t, char const *s, size_t len)
{
	if (len > t->max - t->len) {
		t->is_full = true;
		return;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
}

static void
put_name(struct text *t, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] == ',')
			put(t, "=2C", 3);
		else if (s[i] == '=')
			put(t, "=3D", 3);
		else
			put(t, s + i, 1);
}

static struct text
rest_of(struct scramclient *x)
{
	return (struct text){
		.s = x->text, .len = x->len, .max = sizeof x->text};
}

size_t
scramclient_first(struct scramclient *x, char const *user, size_t user_len,
	char const nonce[SCRAMCLIENT_NONCE_LEN],
	char out[SCRAMCLIENT_MESSAGE_MAX])
{
	struct text t = {.s = x->text, .max = sizeof x->text};
	struct text o = {.s = out, .max = SCRAMCLIENT_MESSAGE_MAX};

	if (user_len > SCRAMCLIENT_USER_MAX ||
		!scramkey_is_prepared(user, user_len))
		return 0;
	put(&t, "n=", 2);
	put_name(&t, user, user_len);
	put(&t, ",r=", 3);
	put(&t, nonce, SCRAMCLIENT_NONCE_LEN);
	memcpy(x->nonce, nonce, sizeof x->nonce);
	x->len = t.len;
	put(&o, HEADER, sizeof HEADER - 1);
	put(&o, t.s, t.len);
	return t.is_full || o.is_full ? 0 : o.len;
}

/* server-first (RFC 5802 7). */
struct first {
	char const *nonce;
	size_t nonce_len;
	unsigned char salt[SCRAMCLIENT_SERVER_MAX];
	size_t salt_len;
	uint32_t iterations;
};

/* The value of the attribute at the front, up to a comma or the end. */
static bool
take(char const **s, size_t *len, char name, char const **value_r,
	size_t *value_len_r)
{
	char const *comma;

	if (*len < 2 || (*s)[0] != name || (*s)[1] != '=')
		return false;
	*value_r = *s + 2;
	comma = memchr(*value_r, ',', *len - 2);
	*value_len_r = comma != NULL ? (size_t)(comma - *value_r) : *len - 2;
	*len -= 2 + *value_len_r + (comma != NULL);
	*s = *value_r + *value_len_r + (comma != NULL);
	return true;
}

static bool
read_number(char const *s, size_t len, uint32_t *n_r)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || n > SCRAMCLIENT_ITERATIONS_MAX)
			return false;
		n = n * 10 + (uint32_t)(s[i] - '0');
	}
	*n_r = n;
	return n >= SCRAMKEY_ITERATIONS_MIN && n <= SCRAMCLIENT_ITERATIONS_MAX;
}

/* `m=`, which must be understood, is not. Extensions at the end may be. */
static bool
read_first(
	struct scramclient const *x, char const *s, size_t len, struct first *f)
{
	char const *salt, *number;
	size_t salt_len, number_len;

	if (len > SCRAMCLIENT_SERVER_MAX ||
		!take(&s, &len, 'r', &f->nonce, &f->nonce_len) ||
		!take(&s, &len, 's', &salt, &salt_len) ||
		!take(&s, &len, 'i', &number, &number_len))
		return false;
	return f->nonce_len > sizeof x->nonce &&
	       memcmp(f->nonce, x->nonce, sizeof x->nonce) == 0 &&
	       sodium_base642bin(f->salt, sizeof f->salt, salt, salt_len, NULL,
		       &f->salt_len, NULL,
		       sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       f->salt_len > 0 &&
	       read_number(number, number_len, &f->iterations);
}

static void
sign(unsigned char out[SCRAMKEY_HASH_LEN],
	unsigned char const key[SCRAMKEY_HASH_LEN], struct scramclient const *x)
{
	crypto_auth_hmacsha256(
		out, (unsigned char const *)x->text, x->len, key);
}

size_t
scramclient_final(struct scramclient *x, char const *s, size_t len,
	char const *password, size_t password_len,
	char out[SCRAMCLIENT_MESSAGE_MAX])
{
	struct text t = rest_of(x);
	struct text o = {.s = out, .max = SCRAMCLIENT_MESSAGE_MAX};
	unsigned char salted[SCRAMKEY_HASH_LEN], client[SCRAMKEY_HASH_LEN];
	unsigned char key[SCRAMKEY_HASH_LEN], proof[SCRAMKEY_HASH_LEN];
	char encoded[HASH_TEXT];
	struct first f;

	if (!scramkey_is_prepared(password, password_len) ||
		!read_first(x, s, len, &f))
		return 0;
	put(&o, "c=biws,r=", 9);
	put(&o, f.nonce, f.nonce_len);
	put(&t, ",", 1);
	put(&t, s, len);
	put(&t, ",", 1);
	put(&t, o.s, o.len);
	if (t.is_full || o.is_full)
		return 0;
	x->len = t.len;
	scramkey_salt(f.salt, f.salt_len, f.iterations, password, password_len,
		salted);
	crypto_auth_hmacsha256(
		client, (unsigned char const *)"Client Key", 10, salted);
	crypto_auth_hmacsha256(
		key, (unsigned char const *)"Server Key", 10, salted);
	sign(x->signature, key, x);
	crypto_hash_sha256(key, client, sizeof client);
	sign(proof, key, x);
	for (size_t i = 0; i < sizeof proof; i++)
		proof[i] ^= client[i];
	sodium_bin2base64(encoded, sizeof encoded, proof, sizeof proof,
		sodium_base64_VARIANT_ORIGINAL);
	put(&o, ",p=", 3);
	put(&o, encoded, strlen(encoded));
	sodium_memzero(salted, sizeof salted);
	sodium_memzero(client, sizeof client);
	sodium_memzero(key, sizeof key);
	return o.is_full ? 0 : o.len;
}

bool
scramclient_verify(struct scramclient const *x, char const *s, size_t len)
{
	unsigned char signature[SCRAMKEY_HASH_LEN];
	char const *value;
	size_t value_len, n;

	return take(&s, &len, 'v', &value, &value_len) &&
	       sodium_base642bin(signature, sizeof signature, value, value_len,
		       NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       n == sizeof signature &&
	       sodium_memcmp(signature, x->signature, n) == 0;
}
