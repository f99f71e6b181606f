/*
 * hops.h - counting the Received fields of a message as it comes in
 *
 * Mail that goes round in a loop gains one with every turn (RFC 5321 6.3).
 * Looks at the header alone. Pure: no i/o, no allocation, linear time.
 */
#ifndef SMTP_HOPS_H
#define SMTP_HOPS_H

#include <stdbool.h>
#include <stddef.h>

struct smtp_hops {
	unsigned count; /* Received fields so far */
	size_t column;	/* octets of the line seen, as far as they matter */
	bool matches;	/* the line may still become `Received:` */
	bool in_body;
};
#define SMTP_HOPS_ZERO                                                         \
	{                                                                      \
		0, 0, true, false                                              \
	}

/* The next piece of the message, dot-stuffing undone. */
void smtp_hops_push(struct smtp_hops *h, char const *s, size_t len);

#endif
