/*
 * tls_chain.h - the certificates that a server has shown, and judging them
 *
 * For a client that decides by itself whom it believes: by certificate
 * authorities (RFC 5280), by records in the DNS (RFC 6698), by a fingerprint.
 * Pure functions over DER, without allocation; BearSSL does the cryptography.
 */
#ifndef TLS_CHAIN_H
#define TLS_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <bearssl.h>

/* Certificates that are kept, and octets of all of them. A longer chain is
 * refused in the handshake. */
#define TLS_CHAIN_CERTIFICATES 10
#define TLS_CHAIN_OCTETS 65536

struct tls_certificate_der {
	unsigned char const *der;
	size_t len;
};

/* As the server sent it: its own certificate comes first. */
struct tls_chain {
	size_t count;
	struct tls_certificate_der list[TLS_CHAIN_CERTIFICATES];
};

/*
 * The SubjectPublicKeyInfo within a certificate. False: malformed. (Only its
 * place is looked for; nothing else of the certificate is checked.)
 */
bool tls_chain_spki(struct tls_certificate_der const *certificate,
	struct tls_certificate_der *spki_r) __attribute__((warn_unused_result));

/*
 * Whether the chain leads to one of the anchors now, and its first certificate
 * is for name (NULL: for whomever). BearSSL's error number, 0 if so.
 */
unsigned tls_chain_verify(struct tls_chain const *chain,
	br_x509_trust_anchor const *anchors, size_t count, char const *name);

/*
 * The same with a certificate of the chain itself as the one anchor, index at
 * least 1: who trusts it says the caller.
 */
unsigned tls_chain_verify_below(
	struct tls_chain const *chain, size_t index, char const *name);

/* What one of these numbers means, for people. Static text. */
char const *tls_chain_strerror(unsigned error);

#endif
