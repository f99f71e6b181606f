/*
 * demand.h - what is demanded of a host before mail goes to it
 *
 * The first of these that says anything: the administrator's table, DANE (RFC
 * 7672), MTA-STS (RFC 8461). Upon that comes what the route's password and the
 * message's REQUIRETLS (RFC 8689 4.2.1) need. Asks the DNS for TLSA records.
 */
#ifndef DEMAND_H
#define DEMAND_H

#include "common/dns.h"
#include "remote/client.h"
#include "remote/dane.h"
#include "remote/destination.h"
#include "remote/mx.h"
#include "remote/security.h"
#include "remote/stspolicy.h"

/* What is known of a destination; and of the host that was asked for last, to
 * which a struct security points. */
struct demand {
	struct dns *dns;
	struct tls_anchors const *anchors;
	struct tlspolicy table;
	bool has_sts;
	struct stspolicy sts;
	struct tlsa_set tlsa;
	char base[DNS_NAME_SIZE]; /* that they were found for */
	/* Nobody can have lied about its being the destination's host: RFC
	 * 8689 4.2.1, 2. */
	bool is_host_known;
};

struct demand_host {
	struct destination const *destination;
	struct mx const *mx;		/* NULL: not found by MX */
	struct mx_origin const *origin; /* NULL: an address alone */
	char const *name;
	unsigned port;
	int timeout_ms;
	bool has_login;
	bool is_tls_required; /* by the message */
};

/*
 * Fill s_r in. False: no mail goes to this host now; text_r says why, and s_r
 * is as for a host of which nothing is demanded, with the reason noted.
 */
bool demand_of(struct demand *d, struct demand_host const *h,
	struct security *s_r, char text_r[CLIENT_TEXT_SIZE])
	__attribute__((warn_unused_result));

#endif
