/*
 * dane.h - asking the DNS which certificates a host shows (RFC 7672 2.2)
 *
 * Nothing is believed that a resolver on this host has not validated.
 */
#ifndef DANE_H
#define DANE_H

#include "common/dns.h"
#include "remote/mx.h"
#include "remote/tlsa.h"

enum dane_status {
	DANE_NONE = 1, /* no DNSSEC, or no records: nothing is known */
	DANE_UNUSABLE, /* records, none of which can be used (RFC 7672 2.2) */
	DANE_USABLE,
	DANE_LATER /* the records could not be had: the host is not used now */
};

/*
 * The records of host's port. origin is what mx_addresses said of it. base_r is
 * the name that they were found for (RFC 7672 2.2.3): the one that the host is
 * an alias of, else its own; for SNI, and for DANE-TA. DANE_LATER: text_r says
 * why.
 */
enum dane_status dane_lookup(struct dns *dns, char const *host,
	struct mx_origin const *origin, unsigned port, int timeout_ms,
	struct tlsa_set *set_r, char base_r[DNS_NAME_SIZE],
	char text_r[MX_TEXT_SIZE]);

#endif
