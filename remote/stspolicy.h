/*
 * stspolicy.h - reading what MTA-STS publishes (RFC 8461 3.1, 3.2, 4.1)
 *
 * Pure functions over bytes; getting them is the business of sts(8).
 */
#ifndef STSPOLICY_H
#define STSPOLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/dns_reply.h"

/* Octets of a policy, and patterns of one, that are taken. */
#define STSPOLICY_OCTETS_MAX 65536
#define STSPOLICY_MX_MAX 64
/* Octets of an id (RFC 8461 3.1) with its NUL. */
#define STSPOLICY_ID_SIZE 33
/* The longest time that a policy holds, in seconds (RFC 8461 3.2). */
#define STSPOLICY_AGE_MAX 31557600u

enum stspolicy_mode {
	STSPOLICY_NONE = 'n',
	STSPOLICY_TESTING = 't',
	STSPOLICY_ENFORCE = 'e'
};

struct stspolicy {
	enum stspolicy_mode mode;
	uint32_t max_age;
	size_t mx_count;
	/* Lower case: a host name, or `*.` and a domain. */
	char mx[STSPOLICY_MX_MAX][DNS_NAME_SIZE];
};

/* The text that the domain's web server has. False: malformed. */
bool stspolicy_parse(char const *s, size_t len, struct stspolicy *policy_r)
	__attribute__((warn_unused_result));

/* Whether the policy names this host (lower case). */
bool stspolicy_names(struct stspolicy const *policy, char const *host);

/* Whether s can stand in mx: a host name, or `*.` and a domain. */
bool stspolicy_is_pattern(char const *s, size_t len);

/*
 * A TXT record of _mta-sts.DOMAIN. 1 it is one of ours, and id_r its id; 0 it
 * is something else, and does not count; -1 one of ours, malformed.
 */
int stspolicy_record(char const *s, size_t len, char id_r[STSPOLICY_ID_SIZE])
	__attribute__((warn_unused_result));

#endif
