/*
 * stscache.h - MTA-STS policies that sts keeps on disk
 *
 * A file a domain, named as it. Written whole or not at all (RFC 8461 3.3: what
 * is cached outlives a restart, else an attacker need only wait for one).
 */
#ifndef STSCACHE_H
#define STSCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "remote/stspolicy.h"

/* Octets of a file. */
#define STSCACHE_MAX (STSPOLICY_OCTETS_MAX + 256)

struct stscache {
	time_t fetched;
	char id[STSPOLICY_ID_SIZE];
	struct stspolicy policy;
};

/*
 * Read what is in a file: `id ID`, `fetched SECONDS`, an empty line, and the
 * policy as it was published. Pure.
 */
bool stscache_parse(char const *s, size_t len, struct stscache *c_r)
	__attribute__((warn_unused_result));

/* The domain's policy, unless it is older than its max_age or than the clock
 * can be. */
bool stscache_read(int folder_fd, char const *domain, time_t now,
	struct stscache *c_r) __attribute__((warn_unused_result));

/* False: errno. */
bool stscache_write(int folder_fd, char const *domain, char const *id,
	time_t now, char const *text, size_t len)
	__attribute__((warn_unused_result));

#endif
