/*
 * netlist.h - lists of networks in a setting
 *
 * Text: `192.0.2.0/24 2001:db8::/32 198.51.100.7`, one blank between. An
 * address without a number of bits is itself alone. Pure functions.
 */
#ifndef NETLIST_H
#define NETLIST_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of one network as text. */
#define NETLIST_ITEM_MAX 49

/* Whether s is one network whose address has no bit outside of it. */
bool netlist_is_network(char const *s, size_t len);

/*
 * Whether one of the networks holds the address (text as inet_ntop writes it;
 * a v4-mapped one counts as v4). What is malformed holds nothing. list may be
 * NULL.
 */
bool netlist_holds(char const *list, char const *address);

/* The lowest and the highest address of one network, 16 octets each, IPv4 as
 * v4-mapped. False: malformed. */
bool netlist_range(char const *s, size_t len, unsigned char range_r[32])
	__attribute__((warn_unused_result));

#endif
