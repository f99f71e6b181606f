/*
 * ownaddresses.h - the addresses by which the world reaches this host
 */
#ifndef OWNADDRESSES_H
#define OWNADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include "common/admin/values.h"

#define OWNADDRESSES_MAX 32

struct ownaddresses {
	size_t count;
	char const *list[OWNADDRESSES_MAX]; /* as inet_ntop writes them */
	char text[OWNADDRESSES_MAX][46];
};

/*
 * Those of the setting `public-addresses`; where it is empty, those of this
 * machine's network interfaces that are public and stay (no temporary ones of
 * RFC 8981), IPv4 first. None if only private ones are found.
 */
void ownaddresses_find(struct ownaddresses *a, struct values const *v);

/*
 * Whether an address is one of the public Internet: none of those that
 * RFC 6890 sets aside for private networks, links, tests and the like (those
 * for documentation count as public). Not an address: false.
 */
bool ownaddresses_is_public(char const *address);

#endif
