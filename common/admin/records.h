/*
 * records.h - the DNS records that a host and its domains need
 *
 * A pure function from what the text files say, the keys, the certificates and
 * the host's addresses to records: nothing is asked, read or written. What is
 * published is compared with them by others.
 *
 * Of the host: its address (A, AAAA), SPF of its name, the TLSA of its
 * certificates (RFC 7672), and the PTR that its provider sets. Of a local
 * domain: MX, SPF (RFC 7208), DKIM (RFC 6376, RFC 8463), DMARC (RFC 7489),
 * MTA-STS (RFC 8461), TLSRPT (RFC 8460), SRV (RFC 6186, RFC 8314), and names
 * that mail programs look for their settings under. Of a backup domain: MX.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>
#include "common/admin/config.h"

enum record_type {
	RECORD_A,
	RECORD_AAAA,
	RECORD_MX,
	RECORD_TXT,
	RECORD_CNAME,
	RECORD_SRV,
	RECORD_TLSA,
	RECORD_PTR
};

/* What it is for. */
enum record_use {
	RECORD_FOR_ADDRESS, /* of the host, and of names that it sends as */
	RECORD_FOR_REVERSE, /* PTR: in the zone of who gave the address */
	RECORD_FOR_MX,
	RECORD_FOR_SPF,
	RECORD_FOR_DKIM,
	RECORD_FOR_DMARC,
	RECORD_FOR_DANE, /* TLSA: counts where the zone is signed only */
	RECORD_FOR_STS,	 /* _mta-sts and the name of the policy's web server */
	RECORD_FOR_TLSRPT,
	RECORD_FOR_SERVICE, /* SRV of submission, IMAP, POP3, ManageSieve */
	RECORD_FOR_CONFIG   /* autoconfig, autodiscover */
};

struct record {
	enum record_use use;
	enum record_type type;
	/* Where others refuse or mistrust mail without it. The rest is worth
	 * having. */
	bool is_needed;
	char *name; /* lower case, A-labels, no dot at the end */
	/*
	 * TXT: the text, whole; else as a zone file has it, with single blanks,
	 * names in it lower case with a dot at the end, hexadecimal digits in
	 * lower case. NULL: not known (an address; a PTR then has the name "").
	 */
	char *value;
};

struct records {
	struct record *list;
	size_t count, room;
};
#define RECORDS_ZERO                                                           \
	{                                                                      \
		.list = NULL                                                   \
	}

/* What the text files do not say. */
struct records_facts {
	/* Public addresses of the host, text as inet_ntop writes it. None:
	 * its record is there without a value. */
	char const *const *addresses;
	size_t address_count;
	/* The certificates, as certificate_read makes them (tls.h), NULL: none
	 */
	char const *certs;
	size_t certs_len;
};

/*
 * Append the host's records. c was read without a fault. False: no memory, or
 * the certificates are malformed.
 */
bool records_of_host(struct records *r, struct config const *c,
	struct records_facts const *facts) __attribute__((warn_unused_result));

/*
 * Append those of a domain of c. The host's own name, where it is a domain that
 * nobody has an address in beside others that somebody has, gets what bounces
 * need and not what clients look for. False: no memory.
 */
bool records_of_domain(struct records *r, struct config const *c,
	struct records_facts const *facts, struct config_domain const *domain)
	__attribute__((warn_unused_result));

/* Both: of the host, and of one domain, or of all (only NULL). */
bool records_of_all(struct records *r, struct config const *c,
	struct records_facts const *facts, struct config_domain const *only)
	__attribute__((warn_unused_result));

/* Whether it is the host's own name, beside domains that people have addresses
 * in. */
bool records_is_for_bounces(
	struct config const *c, struct config_domain const *d);

void records_free(struct records *r);

/* "A", "TXT"; "address", "dkim". Static. */
char const *records_type_name(enum record_type type);
char const *records_use_name(enum record_use use);

/*
 * The policy of MTA-STS of a domain here, as a web server says it
 * (RFC 8461 3.2), and in id_r what changes whenever it does. False: no memory.
 */
#define RECORDS_STS_ID_SIZE 33
bool records_sts_policy(struct config const *c, stralloc *sa,
	char id_r[RECORDS_STS_ID_SIZE]) __attribute__((warn_unused_result));

/* Where a web server answers for the domains: `web-host`, or the host. */
char const *records_web_host(struct config const *c);

/* The port of a setting listen-X; 0: it is not served, or on loopback alone, or
 * there is no such setting. */
unsigned records_port(struct config const *c, char const *key);

#endif
