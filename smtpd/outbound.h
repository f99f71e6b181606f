/*
 * outbound.h - when a user's mail is held back, and the postmaster told
 *
 * Who steals a password sends to strangers in masses, to many that do not
 * exist, from many places. What goes beyond a limit is taken and held in the
 * queue, so that a user who had a reason loses nothing and is not taught to
 * send it again; beyond five times the limit of messages it is put off. Pure
 * but for the stores.
 */
#ifndef OUTBOUND_H
#define OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>
#include "common/table.h"
#include "smtpd/policing.h"
#include "smtpd/policystore.h"

/* Times the limit of messages that are held at most. */
#define OUTBOUND_HELD_TIMES 5u

struct outbound_rules {
	bool is_on;
	/* 0: no limit. In an hour: */
	uint32_t messages, recipients, unknown;
	/* In a day: addresses that the user has never written to; networks. */
	uint32_t new_addresses, networks;
	char const *except; /* namelist.h; in the settings' table */
};

void outbound_rules_read(
	struct outbound_rules *r, struct table const *settings);

/*
 * Count what a question of the user mailbox says, and answer: is_held and
 * alarm, or LATER. An answer that is not ACCEPT already only counts.
 * destinations: a store of its own, since it remembers for long and is large.
 */
void outbound_judge(struct policystore *store, struct policystore *destinations,
	struct outbound_rules const *r, struct policing_question const *q,
	struct checking_bytes mailbox, uint32_t now, struct policing_answer *a);

#endif
