/*
 * dkim_private.h - private keys for DKIM and ARC
 *
 * PEM as others write it: RSA of 1,024 to 4,096 bits (PKCS #1, PKCS #8) and
 * Ed25519 (RFC 8410). A key lies in the caller's memory; wipe it by
 * dkim_private_wipe.
 */
#ifndef DKIM_PRIVATE_H
#define DKIM_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include "mime/dkim/dkim.h"

/* Octets of a PEM file, and of the record that goes with a key. */
#define DKIM_PEM_MAX 8192
#define DKIM_RECORD_MAX 1024

struct dkim_private {
	bool is_ed25519;
	unsigned char ed25519[64]; /* as libsodium has them */
	/* RSA: p, q, dp, dq, iq. */
	unsigned bits;
	unsigned char parts[5][DKIM_RSA_BITS_MAX / 16 + 1];
	size_t lengths[5];
};

/* False: not such a key. */
bool dkim_private_parse(char const *pem, size_t len, struct dkim_private *key_r)
	__attribute__((warn_unused_result));

void dkim_private_wipe(struct dkim_private *key);

/* Sign a SHA-256 hash; b_r has DKIM_RSA_BITS_MAX / 8 octets. */
bool dkim_private_sign(struct dkim_private const *key,
	unsigned char const hash[32], unsigned char *b_r, size_t *len_r)
	__attribute__((warn_unused_result));

/* The TXT record with its public half, NUL-ended. */
bool dkim_private_record(struct dkim_private const *key,
	char record_r[DKIM_RECORD_MAX]) __attribute__((warn_unused_result));

/*
 * Make a new key as PEM (PKCS #8), NUL-ended: RSA of that many bits, or
 * Ed25519 if bits is 0. Takes a second or more for RSA.
 */
bool dkim_private_make(unsigned bits, char pem_r[DKIM_PEM_MAX])
	__attribute__((warn_unused_result));

#endif
