/*
 * uribl.h - hosts of URLs in the text of a message
 *
 * Finds URLs in decoded text and HTML, also those that hide: by entities,
 * percent signs, user names in front, backslashes, blanks in attributes,
 * numbers instead of addresses, other alphabets. What is kept is what a list of
 * URLs is asked about: the registered domain in lower case and A-labels, or an
 * IPv4 address. Linear time; no i/o; allocates only within libidn2.
 */
#ifndef URIBL_H
#define URIBL_H

#include <stdbool.h>
#include <stddef.h>
#include "common/dns_reply.h"
#include "smtpd/check/psl.h"

/* Different domains of one message; what comes behind them is left out. */
#define URIBL_DOMAINS_MAX 32
/* Octets of an authority (user, host, port) that are looked at. */
#define URIBL_AUTHORITY_MAX 1024

struct uribl {
	struct psl const *psl; /* NULL: hosts are kept whole */
	char domains[URIBL_DOMAINS_MAX][DNS_NAME_SIZE];
	bool is_address[URIBL_DOMAINS_MAX]; /* a.b.c.d */
	size_t count;
	bool is_full; /* something was left out */
};

void uribl_start(struct uribl *u, struct psl const *psl);

/* Take in UTF-8 text. */
void uribl_text(struct uribl *u, char const *s, size_t len);

/* Take in HTML, in UTF-8; entities are decoded in place. */
void uribl_html(struct uribl *u, char *s, size_t len);

/*
 * The name to ask a zone about domain i (RFC 5782 2.1 and 2.3: addresses turned
 * round). False: too long.
 */
bool uribl_name(struct uribl const *u, size_t i, char const *zone,
	size_t zone_len, char name_r[DNS_NAME_SIZE])
	__attribute__((warn_unused_result));

#endif
