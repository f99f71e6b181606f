/*
 * tlsa.h - what a domain says in the DNS about its hosts' certificates
 * (RFC 6698; RFC 7671; for SMTP RFC 7672)
 *
 * A set of TLSA records of one host, reduced to those that SMTP can use, and
 * whether a chain matches one. Pure functions over bytes. That the records came
 * with DNSSEC is the caller's business.
 */
#ifndef TLSA_H
#define TLSA_H

#include "common/dns_reply.h"
#include "common/tls_chain.h"

/* Usable records that are kept, and octets of all of their data: those that
 * come behind are left out. */
#define TLSA_RECORDS_MAX 32
#define TLSA_OCTETS_MAX 16384

enum { TLSA_TA = 2, TLSA_EE = 3 };
enum { TLSA_CERTIFICATE = 0, TLSA_SPKI = 1 };
enum { TLSA_FULL = 0, TLSA_SHA256 = 1, TLSA_SHA512 = 2 };

struct tlsa_record {
	unsigned usage, selector, matching;
	size_t at, len; /* in octets */
};

struct tlsa_set {
	size_t count;
	struct tlsa_record list[TLSA_RECORDS_MAX];
	size_t used;
	unsigned char octets[TLSA_OCTETS_MAX];
};

/*
 * Add a record if it can be used: DANE-TA(2) or DANE-EE(3) (RFC 7672 3.1.3
 * leaves PKIX-TA and PKIX-EE out), a known selector and matching type, data of
 * the digest's length. Whether it was.
 */
bool tlsa_add(struct tlsa_set *set, struct dns_tlsa const *record);

/* Digest agility (RFC 7671 9): where the same usage and selector have a
 * SHA2-512 digest, their SHA2-256 digests do not count. After the last add. */
void tlsa_settle(struct tlsa_set *set);

/* Whether a record of this usage matches the certificate. */
bool tlsa_matches(struct tlsa_set const *set, unsigned usage,
	struct tls_certificate_der const *certificate);

/*
 * Whether the chain is the one that the records tell of: its first certificate
 * matches a DANE-EE record, whatever is in it (RFC 7672 3.1.1), or it leads to
 * a certificate further on that matches a DANE-TA record and is for one of
 * names[0..count). On failure *error_r is for tls_chain_strerror, 0 if no
 * record matches.
 */
bool tlsa_verify(struct tlsa_set const *set, struct tls_chain const *chain,
	char const *const *names, size_t count, unsigned *error_r);

#endif
