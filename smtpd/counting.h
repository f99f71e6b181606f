/*
 * counting.h - counts of a time in policy's store
 */
#ifndef COUNTING_H
#define COUNTING_H

#include <stddef.h>
#include <stdint.h>
#include "smtpd/checking.h"
#include "smtpd/policystore.h"

#define COUNTING_HOUR 3600u
#define COUNTING_DAY (24u * COUNTING_HOUR)
#define COUNTING_NETWORK_MAX 17

/* How many of a kind came within the period (seconds) that began with the first
 * of them, counting add more now. */
uint32_t counting_add(struct policystore *store, enum policystore_kind kind,
	struct policystore_part who, uint32_t add, uint32_t period,
	uint32_t now);

/* The network of an address (text): /24, or /48 of IPv6, behind an octet that
 * tells them apart; an address that is none is taken as it stands. Its length.
 */
size_t counting_network(
	struct checking_bytes client, char out[COUNTING_NETWORK_MAX]);

#endif
