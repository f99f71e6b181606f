/*
 * exchange.h - a login by SCRAM, from its first message to its last
 *
 * What auth keeps of one between a client's messages. An unknown user, and one
 * whose password was set without keys for SCRAM, gets a salt that is always the
 * same, and fails at the end at the cost of a known one.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "common/monitor/question.h"

struct exchange;

/*
 * One step. *x is NULL at the first; it lives until exchange_end. q, which is
 * zero but for its peer and client, gets user and is_known; table_fd as in
 * question_find_hash. With REQUEST_GO_ON challenge has *len_r octets.
 */
enum request_verdict exchange_step(struct exchange **x, struct question *q,
	struct login_step const *step, int table_fd, char const *login_domain,
	char challenge[LOGIN_CHALLENGE_MAX], size_t *len_r)
	__attribute__((warn_unused_result));

/* Wipe and free; *x is NULL then, and may have been. */
void exchange_end(struct exchange **x);

#endif
