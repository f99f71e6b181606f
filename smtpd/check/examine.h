/*
 * examine.h - one message: its checks, its rules, its verdict
 *
 * Runs in the process of one message, inside the sandbox. All results end up in
 * an Authentication-Results and an X-Spam field, in front of the message.
 */
#ifndef EXAMINE_H
#define EXAMINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/dns.h"
#include "smtpd/check/dnsbl.h"
#include "smtpd/check/edit.h"
#include "smtpd/check/psl.h"
#include "smtpd/check/rules.h"
#include "smtpd/checking.h"

struct examine {
	/* Of check, the same for all messages. */
	struct dns *dns;
	struct psl const *psl; /* or NULL */
	enum dnsbl_state const *zone_states;
	int bayes_fd, hook_fd; /* -1: there is none */
	int dmarc_fd; /* lines of dmarc-data(5) go there; -1: nowhere */
	/* Of the settings. */
	struct rules *rules;
	char const *hostname;
	int dns_timeout_ms, hook_timeout_ms;
	/* The message. */
	struct checking_message const *message;
	char const *to; /* NUL-ended each */
	size_t to_len, to_count;
	struct edit edit; /* edit_init was called */
};

struct examine_verdict {
	enum checking_action action;
	unsigned code;
	char text[CHECKING_TEXT_MAX + 1];
	bool is_junk;
};

/* edit holds the message as it is to be, and the lines in front. False: errno;
 * the message is to be tried again. */
bool examine_message(struct examine *x, struct examine_verdict *verdict_r)
	__attribute__((warn_unused_result));

#endif
