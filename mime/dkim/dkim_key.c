/* Key records: see dkim_key.h. */
#include <bearssl.h>
#include <sodium.h>
#include <string.h>
#include "mime/dkim/dkim_key.h"
#include "mime/dkim/taglist.h"

/* DER of an RSA key of 4,096 bits, and some to spare. */
#define DER_MAX 1024

#define DER_INTEGER 0x02
#define DER_BITS 0x03
#define DER_SEQUENCE 0x30

struct der {
	unsigned char const *s;
	size_t len;
};

/* Take a value with its tag off the front of in. Lengths must be minimal. */
static bool
take(struct der *in, unsigned tag, struct der *value_r)
{
	size_t n, head = 2;

	if (in->len < 2 || in->s[0] != tag)
		return false;
	n = in->s[1];
	if (n > 0x82 || n == 0x80)
		return false;
	if (n == 0x81) {
		if (in->len < 3 || in->s[2] < 0x80)
			return false;
		n = in->s[2];
		head = 3;
	} else if (n == 0x82) {
		if (in->len < 4 || in->s[2] == 0)
			return false;
		n = (size_t)in->s[2] << 8 | in->s[3];
		head = 4;
	}
	if (in->len - head < n)
		return false;
	*value_r = (struct der){in->s + head, n};
	in->s += head + n;
	in->len -= head + n;
	return true;
}

/* A positive integer without its leading zero. */
static bool
take_integer(struct der *in, unsigned char *out, size_t max, size_t *len_r)
{
	struct der n;

	if (!take(in, DER_INTEGER, &n) || n.len == 0 || n.s[0] & 0x80)
		return false;
	if (n.s[0] == 0) {
		if (n.len < 2 || !(n.s[1] & 0x80))
			return false;
		n.s++;
		n.len--;
	}
	if (n.len > max)
		return false;
	memcpy(out, n.s, n.len);
	*len_r = n.len;
	return true;
}

static bool
take_key(struct der in, struct dkim_key *key)
{
	struct der body;

	return take(&in, DER_SEQUENCE, &body) && in.len == 0 &&
	       take_integer(&body, key->modulus, sizeof key->modulus,
		       &key->modulus_len) &&
	       take_integer(&body, key->exponent, sizeof key->exponent,
		       &key->exponent_len) &&
	       body.len == 0;
}

/* RFC 5280 4.1: the algorithm (rsaEncryption, NULL), and the key in bits. */
static bool
take_info(struct der in, struct dkim_key *key)
{
	static unsigned char const algorithm[] = {0x06, 0x09, 0x2a, 0x86, 0x48,
		0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
	struct der body, name, bits;

	if (!take(&in, DER_SEQUENCE, &body) || in.len != 0 ||
		!take(&body, DER_SEQUENCE, &name) ||
		!take(&body, DER_BITS, &bits) || body.len != 0)
		return false;
	if (name.len != sizeof algorithm ||
		memcmp(name.s, algorithm, name.len) != 0)
		return false;
	if (bits.len < 1 || bits.s[0] != 0)
		return false;
	return take_key((struct der){bits.s + 1, bits.len - 1}, key);
}

bool
dkim_key_rsa(unsigned char const *der, size_t len, struct dkim_key *key)
{
	struct der in = {der, len};

	if (!take_info(in, key) && !take_key(in, key))
		return false;
	key->bits = (unsigned)key->modulus_len * 8;
	for (unsigned top = key->modulus[0]; !(top & 0x80); top <<= 1)
		key->bits--;
	return true;
}

static bool
fail(struct dkim_key *key, char const *why)
{
	key->why = why;
	return false;
}

static bool
parse_public(struct dkim_key *key, struct tag const *p)
{
	unsigned char der[DER_MAX];
	size_t len;

	if (p == NULL)
		return fail(key, "no key in the key record");
	if (p->value_len == 0)
		return fail(key, "the key was revoked");
	if (!taglist_base64(p, der, sizeof der, &len))
		return fail(key, "the key is malformed");
	if (key->is_ed25519) {
		if (len != sizeof key->ed25519)
			return fail(key, "the key is malformed");
		memcpy(key->ed25519, der, len);
		return true;
	}
	return dkim_key_rsa(der, len, key) || fail(key, "the key is malformed");
}

bool
dkim_key_parse(char const *s, size_t len, struct dkim_key *key_r)
{
	struct taglist tags;
	struct tag const *tag;

	*key_r = (struct dkim_key){0};
	if (!taglist_parse(s, len, &tags))
		return fail(key_r, "the key record is malformed");
	/* RFC 6376 3.6.1: v= first, and nothing but DKIM1, if it is there. */
	if (taglist_find(&tags, "v") != NULL &&
		(!taglist_is(&tags, "v", "DKIM1") ||
			tags.list[0].name_len != 1 ||
			*tags.list[0].name != 'v'))
		return fail(key_r, "a key record of an unknown version");
	tag = taglist_find(&tags, "h");
	if (tag != NULL && !taglist_has(tag, "sha256"))
		return fail(key_r, "the key is not for this hash");
	tag = taglist_find(&tags, "s");
	if (tag != NULL && !taglist_has(tag, "*") && !taglist_has(tag, "email"))
		return fail(key_r, "the key is not for mail");
	tag = taglist_find(&tags, "k");
	key_r->is_ed25519 = tag != NULL && taglist_has(tag, "ed25519");
	if (tag != NULL && !key_r->is_ed25519 && !taglist_has(tag, "rsa"))
		return fail(key_r, "a key of an unknown kind");
	tag = taglist_find(&tags, "t");
	key_r->testing = tag != NULL && taglist_has(tag, "y");
	key_r->is_strict = tag != NULL && taglist_has(tag, "s");
	return parse_public(key_r, taglist_find(&tags, "p"));
}

bool
dkim_key_verify(struct dkim_key const *key, unsigned char const hash[32],
	unsigned char const *b, size_t b_len)
{
	unsigned char got[32], n[DKIM_RSA_OCTETS], e[sizeof key->exponent];
	br_rsa_public_key rsa = {.n = n,
		.nlen = key->modulus_len,
		.e = e,
		.elen = key->exponent_len};

	/* RFC 8463 3: the hash is what Ed25519 signs. */
	if (key->is_ed25519)
		return b_len == crypto_sign_BYTES &&
		       crypto_sign_verify_detached(
			       b, hash, sizeof got, key->ed25519) == 0;
	memcpy(n, key->modulus, sizeof n);
	memcpy(e, key->exponent, sizeof e);
	return br_rsa_pkcs1_vrfy_get_default()(b, b_len, BR_HASH_OID_SHA256,
		       sizeof got, &rsa, got) == 1 &&
	       sodium_memcmp(got, hash, sizeof got) == 0;
}
