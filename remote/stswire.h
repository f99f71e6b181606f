/*
 * stswire.h - what remote and sts say to one another
 *
 * Frames on a SOCK_SEQPACKET socket (common/wire.h). remote asks for the policy
 * of a domain and gets one answer; and tells how the TLS of a session went,
 * which has none. Both sides check all of what they get. Pure functions.
 */
#ifndef STSWIRE_H
#define STSWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "remote/stspolicy.h"
#include "remote/tlsrpt.h"

/* Octets of the largest frame towards sts, and of an address as text. */
#define STSWIRE_QUESTION_MAX 1024
#define STSWIRE_ADDRESS_MAX 45
#define STSWIRE_WHY_MAX 100

enum stswire_kind { STSWIRE_POLICY = 'p', STSWIRE_REPORT = 'r' };

/* How a session went: RFC 8460 4.3. */
struct stswire_report {
	enum tlsrpt_policy policy;
	enum tlsrpt_result result;
	char const *domain; /* of the policy */
	size_t domain_len;
	char const *host; /* the MX host */
	size_t host_len;
	char const *from, *to; /* addresses; from may be empty */
	size_t from_len, to_len;
	char const *why; /* more of a failure, or empty */
	size_t why_len;
};

struct stswire_question {
	enum stswire_kind kind;
	/* STSWIRE_POLICY: the domain, in lower case, NUL-ended. */
	char domain[DNS_NAME_SIZE];
	struct stswire_report
		report; /* STSWIRE_REPORT; points into the frame */
};

/* The frame's length, 0 if it does not fit. */
size_t stswire_ask_encode(char *s, size_t max, char const *domain);
size_t stswire_report_encode(
	char *s, size_t max, struct stswire_report const *r);
bool stswire_question_decode(char const *s, size_t len,
	struct stswire_question *q_r) __attribute__((warn_unused_result));

/* The answer; policy NULL: the domain has none. max_age is what is left. */
size_t stswire_answer_encode(
	char *s, size_t max, struct stspolicy const *policy);
/* 1 a policy, 0 the domain has none, -1 malformed. */
int stswire_answer_decode(char const *s, size_t len, struct stspolicy *policy_r)
	__attribute__((warn_unused_result));

#endif
