/*
 * stslink.h - a delivery's connection to sts(8)
 *
 * Without one, or when it breaks, every domain is as one without a policy: mail
 * does not wait for sts. That is logged once a process.
 */
#ifndef STSLINK_H
#define STSLINK_H

#include <stdbool.h>
#include "remote/stswire.h"

/* How long an answer is waited for: sts may have to fetch it. */
#define STSLINK_WAIT_MS 75000

struct stslink {
	int fd; /* -1: none */
};

/* Call sts on its socket; before the sandbox. */
void stslink_open(struct stslink *l, char const *state);

/* The policy of a domain, or false. hangup_fd: as stream.h has it. */
bool stslink_ask(struct stslink *l, char const *domain, int hangup_fd,
	struct stspolicy *policy_r);

void stslink_report(struct stslink *l, struct stswire_report const *r);

#endif
