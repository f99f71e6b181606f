/*
 * glance.h - what is seen of a message's header as it comes in
 *
 * How many Received fields there are: mail that goes round in a loop gains one
 * with every turn (RFC 5321 6.3). And its Message-ID, for the log. Looks at the
 * header alone. Pure: no i/o, no allocation, linear time.
 */
#ifndef SMTP_GLANCE_H
#define SMTP_GLANCE_H

#include <stdbool.h>
#include <stddef.h>

struct smtp_glance {
	unsigned hops; /* Received fields so far */
	enum { SMTP_GLANCE_NAME, SMTP_GLANCE_SKIP, SMTP_GLANCE_ID } state;
	size_t column; /* octets of the field's name seen */
	bool may_be_hop, may_be_id, in_body;
	size_t id_len;
	char id[250]; /* without its brackets; what is longer is cut */
};
#define SMTP_GLANCE_ZERO                                                       \
	{                                                                      \
		.hops = 0                                                      \
	}

/* The next piece of the message, dot-stuffing undone. */
void smtp_glance_push(struct smtp_glance *g, char const *s, size_t len);

#endif
