/*
 * judge.h - what policy answers: greylist, rates, delays for guessing
 *
 * Pure but for the store: the time is an argument.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/table.h"
#include "smtpd/outbound.h"
#include "smtpd/policing.h"
#include "smtpd/policystore.h"

/* After so many senders of a network came back it is not greylisted any more.
 */
#define JUDGE_KNOWN 5u
/* Wrong recipients or passwords of a network that cost nothing, and the
 * milliseconds that each further one costs. */
#define JUDGE_GUESSES_FREE 3u
#define JUDGE_GUESS_MS 500u
/* In so many seconds half of them are forgotten. */
#define JUDGE_GUESSES_HALF 600u

struct judge_rules {
	bool has_greylist;
	uint32_t grey_delay, grey_window, grey_lifetime; /* seconds */
	/* In an hour; 0: no limit. */
	uint32_t network_messages, network_recipients;
	uint32_t user_messages, user_recipients;
	uint32_t guess_max_ms;
	struct outbound_rules outbound;
};

/* Texts stay where they are, in the table. */
void judge_rules_read(struct judge_rules *r, struct table const *settings);

/*
 * Answer one question. mailbox: who has logged in, as the monitor said, or
 * empty; is_in_networks: the client may relay, and is neither greylisted nor
 * limited. destinations: the store of the outbound guard alone.
 */
void judge(struct policystore *store, struct policystore *destinations,
	struct judge_rules const *rules, struct policing_question const *q,
	struct checking_bytes mailbox, bool is_in_networks, uint32_t now,
	struct policing_answer *answer_r);

#endif
