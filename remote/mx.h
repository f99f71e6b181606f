/*
 * mx.h - the hosts that take a domain's mail (RFC 5321 5.1; RFC 7505)
 *
 * In the order in which they are to be tried: by preference, at random among
 * equals. A domain without MX is its own host. An MX that names an alias is
 * tolerated (RFC 2181 10.3 forbids it, many have one).
 */
#ifndef MX_H
#define MX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/dns.h"

#define MX_HOSTS_MAX DNS_RECORDS_MAX
/* Addresses of one host that are tried. */
#define MX_ADDRESSES_MAX 8
/* Octets of a text for people, with its NUL. */
#define MX_TEXT_SIZE 400
/* Longest wait for the resolver. */
#define MX_TIMEOUT_MS 30000

struct mx_host {
	unsigned preference;
	uint32_t order; /* random: the order among equals */
	char name[DNS_NAME_SIZE];
};

struct mx {
	struct mx_host hosts[MX_HOSTS_MAX];
	size_t count;
	uint32_t ttl;
	bool implicit;	/* no MX: the domain itself */
	bool authentic; /* DNSSEC says so, and a resolver on this host */
};

/* Where the addresses of a host came from. */
struct mx_origin {
	bool authentic; /* all of them, and every alias on the way */
	/* What the host's name is an alias of; "" if it is none. */
	char alias_of[DNS_NAME_SIZE];
};

struct mx_address {
	unsigned char s[16];
	size_t len; /* 4 or 16 */
};

enum mx_status {
	MX_FOUND = 1,
	MX_NONE, /* there is none: mail for it fails */
	MX_LATER /* not known now */
};

/*
 * Look the domain's hosts up. self: our own host name, in lower case: where it
 * stands among them, it and all that are not better are left out (RFC 5321 5.1,
 * against loops). timeout_ms: at most so long for the resolver. Not MX_FOUND:
 * text_r says why, with an enhanced code (RFC 3463) in front.
 */
enum mx_status mx_lookup(struct dns *dns, char const *domain, char const *self,
	int timeout_ms, struct mx *mx_r, char text_r[MX_TEXT_SIZE]);

/*
 * The host's addresses, IPv6 first (RFC 6724), each family in random order.
 * MX_FOUND, or as mx_lookup. origin_r is set where that is MX_FOUND.
 */
enum mx_status mx_addresses(struct dns *dns, char const *host, int timeout_ms,
	struct mx_address addresses_r[MX_ADDRESSES_MAX], size_t *count_r,
	struct mx_origin *origin_r, char text_r[MX_TEXT_SIZE]);

/*
 * The pure part of mx_lookup: order the hosts and leave out what loop
 * protection says. False: we are the best of them.
 */
bool mx_arrange(struct mx *mx, char const *self);

#endif
