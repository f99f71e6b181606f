/*
 * outgoing.h - the addresses that we call from, and our name at each
 *
 * From the value `outgoing` of settings.cdb; outgoing(5) has the text that it
 * is made from. A line each: an address, the name for EHLO, and the domains of
 * senders that it is kept for, if it is. Pure functions over bytes.
 */
#ifndef OUTGOING_H
#define OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "remote/mx.h"

#define OUTGOING_MAX 64

struct outgoing_line {
	struct mx_address address;
	char name[DNS_NAME_SIZE];
	char const *domains; /* in the text; blanks between */
	size_t domains_len;
};

struct outgoing {
	struct outgoing_line list[OUTGOING_MAX];
	size_t count;
};

/* What a connection over each family uses; NULL: whatever the kernel takes. */
struct outgoing_choice {
	struct outgoing_line const *four, *six;
};

/* outgoing_r points into s. False: malformed. */
bool outgoing_parse(char const *s, size_t len, struct outgoing *outgoing_r)
	__attribute__((warn_unused_result));

/*
 * For a sender, of the lines of his domain, else of those that are kept for
 * nobody: one of each family, the turn-th.
 */
struct outgoing_choice outgoing_choose(struct outgoing const *o,
	char const *sender, size_t sender_len, uint32_t turn);

/* The line for an address of this length. */
struct outgoing_line const *outgoing_for(
	struct outgoing_choice const *c, size_t address_len);

#endif
