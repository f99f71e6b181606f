/*
 * answer.h - automatic answers: whether, and what (RFC 3834; RFC 5230; RFC
 * 5429)
 *
 * Pure functions over the header and the envelope of the message that is to be
 * answered.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "local/sieve/run.h"

struct answer_facts {
	char const *header; /* of the message, as it came */
	size_t header_len;
	char const *sender, *recipient; /* of the envelope */
	size_t sender_len, recipient_len;
	bool is_junk;
	uint64_t now;
	char const *hostname;
};

/*
 * Whether an answer would be wrong: NULL, or the reason. addresses: the owner's
 * further ones, with blanks between.
 */
char const *answer_refusal(struct answer_facts const *f, char const *addresses);

/* Append the message that vacation sends, with LF line ends. False: memory is
 * out. */
bool answer_vacation(stralloc *out, struct answer_facts const *f,
	struct sieve_action const *a) __attribute__((warn_unused_result));

/* The same for reject: a report as RFC 8098 has it. */
bool answer_rejection(stralloc *out, struct answer_facts const *f,
	char const *reason, size_t reason_len)
	__attribute__((warn_unused_result));

/* The message that tells a mailbox's owner of a fault in the script. */
bool answer_fault(stralloc *out, struct answer_facts const *f,
	struct sieve_fault const *fault) __attribute__((warn_unused_result));

#endif
