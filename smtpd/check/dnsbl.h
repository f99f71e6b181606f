/*
 * dnsbl.h - lists of addresses and domains in the DNS (RFC 5782)
 *
 * Names to ask for, and what an answer means. Asking goes over query.h: all
 * zones at once, and one that does not answer costs its time limit once. An
 * answer outside of 127.0.0.0/8 is none (a resolver that redirects what does
 * not exist), and 127.255.255.0/24 means that the list refuses to answer.
 */
#ifndef DNSBL_H
#define DNSBL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/dns_reply.h"
#include "common/query.h"
#include "smtpd/check/rules.h"
#include "smtpd/check/uribl.h"

/* What a zone is worth, kept over messages by who asks. */
enum dnsbl_state {
	DNSBL_UNTESTED,
	DNSBL_GOOD,
	DNSBL_BAD /* lists what must not be listed, or refuses us */
};

/*
 * The name of an address in a zone: 192.0.2.99 is 99.2.0.192.zone, IPv6 by
 * nibbles (RFC 5782 2.1, 2.4). False: no address, or too long.
 */
bool dnsbl_name(char const *address, char const *zone, size_t zone_len,
	char name_r[DNS_NAME_SIZE]) __attribute__((warn_unused_result));

/*
 * The name of a test point (RFC 5782 5): one that must be listed, or one that
 * must not. False: too long.
 */
bool dnsbl_test_name(struct rules_zone const *zone, bool is_listed,
	char name_r[DNS_NAME_SIZE]) __attribute__((warn_unused_result));

/*
 * Add what a question said to the zone's answers. False: it said that it does
 * not answer us (then nothing is added).
 */
bool dnsbl_take(struct rules_zone *zone, struct query_question const *q);

/*
 * Ask all zones of r that are not bad: those of addresses about client (text;
 * NULL or empty: none), those of URLs about u's domains. states: one for each
 * zone; a zone that has not answered, or refuses, is not asked again for this
 * message. Returns how many of them did not answer.
 */
unsigned dnsbl_ask(struct rules *r, enum dnsbl_state const *states,
	struct query *query, char const *client, struct uribl const *u);

/* Send what dnsbl_ask will ask first, and go on. */
void dnsbl_send(struct rules *r, enum dnsbl_state const *states,
	struct query *query, char const *client, struct uribl const *u);

/*
 * Ask the test points of all zones of r, and set their states. What does not
 * answer stays DNSBL_UNTESTED; a zone without its test entry alone is
 * DNSBL_GOOD, since some lists have none: *missing_r gets a bit for each.
 */
void dnsbl_test(struct rules const *r, enum dnsbl_state *states,
	struct query *query, unsigned *missing_r);

#endif
