/*
 * stsfetch.h - getting a domain's MTA-STS policy (RFC 8461 3.1, 3.3)
 *
 * In a process of its own, a domain a process: it talks with name servers and
 * web servers of others, and tells what it got over a pipe.
 */
#ifndef STSFETCH_H
#define STSFETCH_H

#include "common/dns.h"
#include "remote/stspolicy.h"

/* Seconds for all of it (RFC 8461 3.3 wants one minute for HTTPS). */
#define STSFETCH_SECONDS 70
/* Octets that it tells at most. */
#define STSFETCH_MAX (STSPOLICY_OCTETS_MAX + STSPOLICY_ID_SIZE + 2)

struct stsfetch {
	struct dns *dns;
	char const *anchors; /* PEM */
	size_t anchors_len;
	unsigned port; /* of HTTPS */
};

/* What is told: this octet, one with the length of the id, the id, and the
 * policy, or what went wrong. */
enum stsfetch_result {
	STSFETCH_NONE = 'n',	 /* the domain publishes none */
	STSFETCH_LATER = 'l',	 /* the DNS does not know now */
	STSFETCH_SAME = 's',	 /* it still has the id that is known */
	STSFETCH_POLICY = 'p',	 /* here is one; it has not been read yet */
	STSFETCH_FAILED = 'f',	 /* there should be one, but could not be had */
	STSFETCH_UNTRUSTED = 'u' /* nor the web server be believed */
};

/* Once, before the sandbox. */
bool stsfetch_prepare(void) __attribute__((warn_unused_result));

/* known_id: "" to fetch in any case. */
void stsfetch_run(struct stsfetch const *f, char const *domain,
	char const *known_id, int to_fd);

#endif
