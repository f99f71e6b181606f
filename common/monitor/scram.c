/* The server's side of SCRAM-SHA-256. */
#include <stdio.h>
#include <string.h>
#include <sodium.h>
#include "common/monitor/scram.h"

#define BASE64(n) (((n) + 2) / 3 * 4)

struct input {
	char const *s;
	size_t len;
};

static void
advance(struct input *in, size_t n)
{
	in->s += n;
	in->len -= n;
}

/* Up to the next comma, or the end. */
static struct input
field(struct input const *in)
{
	char const *comma = memchr(in->s, ',', in->len);

	return (struct input){
		in->s, comma != NULL ? (size_t)(comma - in->s) : in->len};
}

/* An attribute's value; in goes on behind it, at its comma or the end. */
static bool
take(struct input *in, char name, struct input *value_r)
{
	struct input f = field(in);

	if (f.len < 3 || f.s[0] != name || f.s[1] != '=')
		return false;
	advance(in, f.len);
	advance(&f, 2);
	*value_r = f;
	return memchr(f.s, '\0', f.len) == NULL;
}

static bool
comma(struct input *in)
{
	if (in->len == 0 || *in->s != ',')
		return false;
	advance(in, 1);
	return true;
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Optional extensions, which are not for us (RFC 5802, 5.1). */
static bool
skip_extension(struct input *in)
{
	struct input value;

	return in->len > 0 && is_letter(*in->s) && *in->s != 'm' &&
	       take(in, *in->s, &value);
}

bool
scram_unescape(char const *s, size_t len, char *out, size_t max, size_t *len_r)
{
	size_t n = 0;

	while (len > 0) {
		char c = *s;
		size_t used = 1;
		if (c == '=') {
			if (len < 3)
				return false;
			if (memcmp(s, "=2C", 3) == 0)
				c = ',';
			else if (memcmp(s, "=3D", 3) != 0)
				return false;
			used = 3;
		}
		if (n == max)
			return false;
		out[n++] = c;
		s += used;
		len -= used;
	}
	*len_r = n;
	return scramkey_is_prepared(out, n);
}

static bool
is_nonce(struct input nonce)
{
	for (size_t i = 0; i < nonce.len; i++)
		if (nonce.s[i] <= ' ' || nonce.s[i] > '~')
			return false;
	return nonce.len <= SCRAM_CLIENT_NONCE_MAX;
}

/* gs2-header (RFC 5802, 7): the flag, and who the client wants to be. */
static bool
take_header(struct scram *x, struct input *in, struct input *authzid_r)
{
	char const *start = in->s;

	*authzid_r = (struct input){NULL, 0};
	if (in->len == 0 || (*in->s != 'n' && *in->s != 'y'))
		return false;
	advance(in, 1);
	if (!comma(in) ||
		(in->len > 0 && *in->s != ',' && !take(in, 'a', authzid_r)) ||
		!comma(in))
		return false;
	x->header_len = (size_t)(in->s - start);
	memcpy(x->header, start, x->header_len);
	return true;
}

static bool
is_user(struct scram const *x, struct input authzid)
{
	char name[sizeof x->user];
	size_t len;

	return authzid.len == 0 ||
	       (scram_unescape(
			authzid.s, authzid.len, name, sizeof name, &len) &&
		       len == x->user_len && memcmp(name, x->user, len) == 0);
}

bool
scram_first(struct scram *x, char const *s, size_t len)
{
	struct input in = {s, len}, bare, authzid, name, nonce;

	*x = (struct scram){0};
	if (len > LOGIN_MESSAGE_MAX || !take_header(x, &in, &authzid))
		return false;
	bare = in;
	if (!take(&in, 'n', &name) || !comma(&in) || !take(&in, 'r', &nonce) ||
		!is_nonce(nonce))
		return false;
	while (in.len > 0)
		if (!comma(&in) || !skip_extension(&in))
			return false;
	if (!scram_unescape(
		    name.s, name.len, x->user, sizeof x->user, &x->user_len) ||
		!is_user(x, authzid))
		return false;
	memcpy(x->text, bare.s, bare.len);
	x->text_len = bare.len;
	x->nonce_at = (size_t)(nonce.s - bare.s);
	x->nonce_len = nonce.len;
	return true;
}

size_t
scram_challenge(struct scram *x, struct scramkey const *key,
	char const nonce[SCRAM_NONCE_LEN], char out[LOGIN_CHALLENGE_MAX])
{
	char salt[BASE64(SCRAMKEY_SALT_LEN) + 1];
	int n;

	sodium_bin2base64(salt, sizeof salt, key->salt, sizeof key->salt,
		sodium_base64_VARIANT_ORIGINAL);
	n = snprintf(out, LOGIN_CHALLENGE_MAX, "r=%.*s%.*s,s=%s,i=%u",
		(int)x->nonce_len, x->text + x->nonce_at, SCRAM_NONCE_LEN,
		nonce, salt, (unsigned)key->iterations);
	/* UNSAFE: the sizes in the headers leave room for all of it. */
	x->text[x->text_len++] = ',';
	memcpy(x->text + x->text_len, out, (size_t)n);
	x->nonce_at = x->text_len + 2;
	x->nonce_len += SCRAM_NONCE_LEN;
	x->text_len += (size_t)n;
	return (size_t)n;
}

/* `c=` has the header that we saw, in base64. */
static bool
is_header(struct scram const *x, struct input binding)
{
	char text[BASE64(LOGIN_MESSAGE_MAX) + 1];

	sodium_bin2base64(text, sizeof text, (unsigned char const *)x->header,
		x->header_len, sodium_base64_VARIANT_ORIGINAL);
	return strlen(text) == binding.len &&
	       memcmp(text, binding.s, binding.len) == 0;
}

/* client-final up to the proof, whose value is what remains of in. */
static bool
read_final(struct scram const *x, struct input *in)
{
	struct input binding, nonce;

	if (!take(in, 'c', &binding) || !is_header(x, binding) || !comma(in) ||
		!take(in, 'r', &nonce) || nonce.len != x->nonce_len ||
		sodium_memcmp(nonce.s, x->text + x->nonce_at, nonce.len) != 0 ||
		!comma(in))
		return false;
	while (in->len > 0 && *in->s != 'p')
		if (!skip_extension(in) || !comma(in))
			return false;
	if (in->len < 2 || in->s[1] != '=')
		return false;
	advance(in, 2);
	return true;
}

/* RFC 5802, 3: the hash of the ClientKey that the proof hides. */
static bool
judge_proof(struct scram const *x, struct scramkey const *key,
	unsigned char const proof[SCRAMKEY_HASH_LEN])
{
	unsigned char client[SCRAMKEY_HASH_LEN], hash[SCRAMKEY_HASH_LEN];
	bool is_right;

	crypto_auth_hmacsha256(client, (unsigned char const *)x->text,
		x->text_len, key->stored);
	for (size_t i = 0; i < sizeof client; i++)
		client[i] ^= proof[i];
	crypto_hash_sha256(hash, client, sizeof client);
	is_right = sodium_memcmp(hash, key->stored, sizeof hash) == 0;
	sodium_memzero(client, sizeof client);
	return is_right;
}

bool
scram_final(struct scram *x, struct scramkey const *key, char const *s,
	size_t len, char out[SCRAM_FINAL_LEN])
{
	struct input in = {s, len};
	unsigned char hash[SCRAMKEY_HASH_LEN];
	char text[BASE64(SCRAMKEY_HASH_LEN) + 1];
	size_t n;

	if (len > LOGIN_MESSAGE_MAX || !read_final(x, &in) ||
		in.len != BASE64(SCRAMKEY_HASH_LEN) ||
		sodium_base642bin(hash, sizeof hash, in.s, in.len, NULL, &n,
			NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
		n != sizeof hash)
		return false;
	x->text[x->text_len++] = ',';
	/* Without `,p=`. */
	n = (size_t)(in.s - s) - 3;
	memcpy(x->text + x->text_len, s, n);
	x->text_len += n;
	if (!judge_proof(x, key, hash))
		return false;
	crypto_auth_hmacsha256(
		hash, (unsigned char const *)x->text, x->text_len, key->server);
	sodium_bin2base64(text, sizeof text, hash, sizeof hash,
		sodium_base64_VARIANT_ORIGINAL);
	memcpy(out, "v=", 2);
	memcpy(out + 2, text, SCRAM_FINAL_LEN - 2);
	return true;
}
