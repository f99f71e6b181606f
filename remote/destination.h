/*
 * destination.h - the name of a channel: a domain, or where a route leads
 *
 *   example.org            a domain: found by its MX
 *   [192.0.2.1]            an address literal of a mailbox (RFC 5321 4.1.3);
 *   [IPv6:2001:db8::1]     no MX
 *   relay.example.org:26   a route: that host's addresses, no MX
 *   [2001:db8::1]:25       a route to an address
 *
 * A pure function over bytes.
 */
#ifndef DESTINATION_H
#define DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include "common/dns_reply.h"

struct destination {
	/* The domain or host in lower case without a trailing dot, or the
	 * address as it was written, in its brackets. */
	char name[DNS_NAME_SIZE];
	unsigned char address[16];
	size_t address_len; /* 4 or 16; 0: there is only a name */
	unsigned port;	    /* 0: the usual one */
	bool by_mx;
};

bool destination_parse(char const *s, size_t len, struct destination *d_r)
	__attribute__((warn_unused_result));

#endif
