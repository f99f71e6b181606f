/*
 * facts.h - what the rules compare, from what is known of a session
 *
 * Pure functions.
 */
#ifndef FACTS_H
#define FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include "smtpd/checking.h"

/* What HELO's argument is: `name`, `literal` ([192.0.2.1]), `address` (an
 * address without brackets), `unqualified` (no dot), or `ours`. */
char const *facts_helo(struct checking_bytes helo, char const *hostname);

/* What the address resolves to: `none`, `name`, or `helo` if it is the name
 * that HELO says. */
char const *facts_reverse(
	struct checking_bytes name, struct checking_bytes helo);

/* Whether a text holds the test line of spam filters (GTUBE). */
bool facts_gtube(char const *s, size_t len);

#endif
