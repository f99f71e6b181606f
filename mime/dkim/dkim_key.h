/*
 * dkim_key.h - key records (RFC 6376 3.6.1; RFC 8463) and their checks
 *
 * Pure. RSA keys come as SubjectPublicKeyInfo or as RSAPublicKey, in DER; both
 * are read strictly.
 */
#ifndef DKIM_KEY_H
#define DKIM_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include "mime/dkim/dkim.h"

#define DKIM_RSA_OCTETS (DKIM_RSA_BITS_MAX / 8)

struct dkim_key {
	bool is_ed25519;
	bool testing;	/* t=y */
	bool is_strict; /* t=s: i= and d= name the same domain */
	unsigned bits;	/* of an RSA modulus */
	unsigned char modulus[DKIM_RSA_OCTETS];
	size_t modulus_len;
	unsigned char exponent[8];
	size_t exponent_len;
	unsigned char ed25519[32];
	char const *why; /* of a record that is no key; static text */
};

/*
 * Read the record s[0..len). False: not a key, not one for mail or for
 * SHA-256, revoked, or an RSA key of more than DKIM_RSA_BITS_MAX bits.
 */
bool dkim_key_parse(char const *s, size_t len, struct dkim_key *key_r)
	__attribute__((warn_unused_result));

/* The same over the DER alone. */
bool dkim_key_rsa(unsigned char const *der, size_t len, struct dkim_key *key)
	__attribute__((warn_unused_result));

/* Whether b[0..b_len) signs the SHA-256 hash. */
bool dkim_key_verify(struct dkim_key const *key, unsigned char const hash[32],
	unsigned char const *b, size_t b_len)
	__attribute__((warn_unused_result));

#endif
