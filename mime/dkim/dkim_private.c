/* Private keys for DKIM and ARC: see dkim_private.h. */
#include <bearssl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "mime/dkim/dkim_private.h"

#define DER_MAX 4096
#define SEED_LEN 32
#define PUBLIC_EXPONENT 65537

/* RFC 8410 7: everything in front of the seed. */
static unsigned char const ed25519_head[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30,
	0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

struct der {
	unsigned char s[DER_MAX];
	size_t len;
	bool is_too_long;
};

static void
take_octets(void *data, void const *s, size_t len)
{
	struct der *der = data;

	if (len > sizeof der->s - der->len) {
		der->is_too_long = true;
		return;
	}
	memcpy(der->s + der->len, s, len);
	der->len += len;
}

/* The first object of a PEM text that is a private key. */
static bool
read_pem(char const *pem, size_t len, struct der *der)
{
	br_pem_decoder_context c;
	bool is_key = false, is_done = false;

	br_pem_decoder_init(&c);
	while (len > 0 && !is_done) {
		size_t n = br_pem_decoder_push(&c, pem, len);
		pem += n;
		len -= n;
		switch (br_pem_decoder_event(&c)) {
		case BR_PEM_BEGIN_OBJ:
			is_key = strcmp(br_pem_decoder_name(&c),
					 "PRIVATE KEY") == 0 ||
				 strcmp(br_pem_decoder_name(&c),
					 "RSA PRIVATE KEY") == 0;
			br_pem_decoder_setdest(
				&c, is_key ? take_octets : NULL, der);
			break;
		case BR_PEM_END_OBJ:
			is_done = is_key;
			break;
		case BR_PEM_ERROR:
			return false;
		}
	}
	sodium_memzero(&c, sizeof c);
	return is_done && !der->is_too_long;
}

static bool
take_part(
	struct dkim_private *key, size_t i, unsigned char const *s, size_t len)
{
	if (len > sizeof key->parts[i])
		return false;
	memcpy(key->parts[i], s, len);
	key->lengths[i] = len;
	return true;
}

static bool
take_rsa(br_rsa_private_key const *sk, struct dkim_private *key)
{
	key->bits = sk->n_bitlen;
	return sk->n_bitlen >= DKIM_RSA_BITS_MIN &&
	       sk->n_bitlen <= DKIM_RSA_BITS_MAX &&
	       take_part(key, 0, sk->p, sk->plen) &&
	       take_part(key, 1, sk->q, sk->qlen) &&
	       take_part(key, 2, sk->dp, sk->dplen) &&
	       take_part(key, 3, sk->dq, sk->dqlen) &&
	       take_part(key, 4, sk->iq, sk->iqlen);
}

static bool
read_der(struct der const *der, struct dkim_private *key)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	br_skey_decoder_context c;
	bool is_read;

	if (der->len == sizeof ed25519_head + SEED_LEN &&
		memcmp(der->s, ed25519_head, sizeof ed25519_head) == 0) {
		key->is_ed25519 = true;
		return crypto_sign_seed_keypair(public, key->ed25519,
			       der->s + sizeof ed25519_head) == 0;
	}
	br_skey_decoder_init(&c);
	br_skey_decoder_push(&c, der->s, der->len);
	is_read = br_skey_decoder_last_error(&c) == 0 &&
		  br_skey_decoder_key_type(&c) == BR_KEYTYPE_RSA &&
		  take_rsa(br_skey_decoder_get_rsa(&c), key);
	sodium_memzero(&c, sizeof c);
	return is_read;
}

bool
dkim_private_parse(char const *pem, size_t len, struct dkim_private *key_r)
{
	struct der der = {.len = 0};
	bool is_read;

	memset(key_r, 0, sizeof *key_r);
	is_read = len <= DKIM_PEM_MAX && read_pem(pem, len, &der) &&
		  read_der(&der, key_r);
	sodium_memzero(&der, sizeof der);
	if (!is_read)
		dkim_private_wipe(key_r);
	return is_read;
}

void
dkim_private_wipe(struct dkim_private *key)
{
	sodium_memzero(key, sizeof *key);
}

/* BearSSL wants pointers that it may write through, and does not. */
static void
rsa_of(struct dkim_private *copy, br_rsa_private_key *sk)
{
	*sk = (br_rsa_private_key){.n_bitlen = copy->bits,
		.p = copy->parts[0],
		.plen = copy->lengths[0],
		.q = copy->parts[1],
		.qlen = copy->lengths[1],
		.dp = copy->parts[2],
		.dplen = copy->lengths[2],
		.dq = copy->parts[3],
		.dqlen = copy->lengths[3],
		.iq = copy->parts[4],
		.iqlen = copy->lengths[4]};
}

bool
dkim_private_sign(struct dkim_private const *key, unsigned char const hash[32],
	unsigned char *b_r, size_t *len_r)
{
	struct dkim_private copy;
	br_rsa_private_key sk;
	bool is_done;

	if (key->is_ed25519) {
		*len_r = crypto_sign_BYTES;
		return crypto_sign_detached(
			       b_r, NULL, hash, 32, key->ed25519) == 0;
	}
	copy = *key;
	rsa_of(&copy, &sk);
	*len_r = (key->bits + 7) / 8;
	is_done = br_rsa_pkcs1_sign_get_default()(
			  BR_HASH_OID_SHA256, hash, 32, &sk, b_r) == 1;
	dkim_private_wipe(&copy);
	return is_done;
}

/* A tag, the length in its shortest form, and the value. */
static size_t
put_der(unsigned char *out, unsigned tag, unsigned char const *s, size_t len)
{
	size_t n = 0;

	out[n++] = (unsigned char)tag;
	if (len >= 0x100) {
		out[n++] = 0x82;
		out[n++] = (unsigned char)(len >> 8);
	} else if (len >= 0x80) {
		out[n++] = 0x81;
	}
	out[n++] = (unsigned char)len;
	memmove(out + n, s, len);
	return n + len;
}

/* SubjectPublicKeyInfo of an RSA key (RFC 5280 4.1, RFC 8017 A.1.1). */
static size_t
put_public(unsigned char const *modulus, size_t len, unsigned char *out)
{
	static unsigned char const exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
	static unsigned char const algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a,
		0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
	unsigned char a[DER_MAX / 4], b[DER_MAX / 4];
	size_t n;

	/* UNSAFE: a modulus has at most 512 octets; five wrappers of at most 5
	 * octets each and 20 of constants fit into 1024. */
	a[0] = 0;
	memcpy(a + 1, modulus, len);
	n = put_der(b, 0x02, a, len + 1);
	memcpy(b + n, exponent, sizeof exponent);
	n = put_der(a + 1, 0x30, b, n + sizeof exponent);
	a[0] = 0;
	memcpy(b, algorithm, sizeof algorithm);
	n = sizeof algorithm + put_der(b + sizeof algorithm, 0x03, a, n + 1);
	return put_der(out, 0x30, b, n);
}

bool
dkim_private_record(
	struct dkim_private const *key, char record_r[DKIM_RECORD_MAX])
{
	unsigned char modulus[DKIM_RSA_BITS_MAX / 8], der[DER_MAX / 4];
	struct dkim_private copy = *key;
	br_rsa_private_key sk;
	size_t len, n;
	bool is_done = true;

	if (key->is_ed25519) {
		len = crypto_sign_PUBLICKEYBYTES;
		crypto_sign_ed25519_sk_to_pk(der, key->ed25519);
	} else {
		rsa_of(&copy, &sk);
		len = br_rsa_compute_modulus_get_default()(NULL, &sk);
		is_done = len > 0 && len <= sizeof modulus &&
			  br_rsa_compute_modulus_get_default()(modulus, &sk) ==
				  len &&
			  br_rsa_compute_pubexp_get_default()(&sk) ==
				  PUBLIC_EXPONENT;
		if (is_done)
			len = put_public(modulus, len, der);
	}
	dkim_private_wipe(&copy);
	if (!is_done)
		return false;
	n = (size_t)snprintf(record_r, DKIM_RECORD_MAX,
		"v=DKIM1; k=%s; p=", key->is_ed25519 ? "ed25519" : "rsa");
	return sodium_bin2base64(record_r + n, DKIM_RECORD_MAX - n, der, len,
		       sodium_base64_VARIANT_ORIGINAL) != NULL;
}

static bool
write_pem(unsigned char const *der, size_t len, char pem_r[DKIM_PEM_MAX])
{
	unsigned const flags = BR_PEM_LINE64;
	size_t n = br_pem_encode(NULL, NULL, len, "PRIVATE KEY", flags);

	if (n >= DKIM_PEM_MAX)
		return false;
	br_pem_encode(pem_r, der, len, "PRIVATE KEY", flags);
	pem_r[n] = '\0';
	return true;
}

static bool
make_rsa(unsigned bits, struct der *der)
{
	unsigned char private[BR_RSA_KBUF_PRIV_SIZE(DKIM_RSA_BITS_MAX)];
	unsigned char public[BR_RSA_KBUF_PUB_SIZE(DKIM_RSA_BITS_MAX)];
	unsigned char exponent[DKIM_RSA_BITS_MAX / 8], seed[64];
	br_rsa_private_key sk;
	br_rsa_public_key pk;
	br_hmac_drbg_context random;
	size_t d_len = 0, n = 0;

	randombytes_buf(seed, sizeof seed);
	br_hmac_drbg_init(&random, &br_sha256_vtable, seed, sizeof seed);
	if (br_rsa_keygen_get_default()(&random.vtable, &sk, private, &pk,
		    public, bits, PUBLIC_EXPONENT) == 1)
		d_len = br_rsa_compute_privexp_get_default()(
			exponent, &sk, PUBLIC_EXPONENT);
	if (d_len > 0)
		n = br_encode_rsa_pkcs8_der(NULL, &sk, &pk, exponent, d_len);
	if (n > 0 && n <= sizeof der->s)
		der->len = br_encode_rsa_pkcs8_der(
			der->s, &sk, &pk, exponent, d_len);
	sodium_memzero(seed, sizeof seed);
	sodium_memzero(&random, sizeof random);
	sodium_memzero(private, sizeof private);
	sodium_memzero(exponent, sizeof exponent);
	return der->len > 0;
}

bool
dkim_private_make(unsigned bits, char pem_r[DKIM_PEM_MAX])
{
	struct der der = {.len = 0};
	bool is_done;

	if (bits == 0) {
		memcpy(der.s, ed25519_head, sizeof ed25519_head);
		randombytes_buf(der.s + sizeof ed25519_head, SEED_LEN);
		der.len = sizeof ed25519_head + SEED_LEN;
	}
	is_done = (bits == 0 || (bits >= DKIM_RSA_BITS_MIN &&
					bits <= DKIM_RSA_BITS_MAX &&
					make_rsa(bits, &der))) &&
		  write_pem(der.s, der.len, pem_r);
	sodium_memzero(&der, sizeof der);
	return is_done;
}
