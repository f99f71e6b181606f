/*
 * fields.h - the header of a submitted message (RFC 6409 8)
 *
 * Lets a message through in pieces, but for its Bcc and Resent-Bcc fields
 * (RFC 5322 3.6.3), and notes whether it has a date and a message id. Pure: no
 * allocation, linear time, a state of some octets.
 */
#ifndef SMTP_FIELDS_H
#define SMTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include "smtpd/repair.h"

#define SMTP_FIELDS_DATE 1u
#define SMTP_FIELDS_ID 2u

/* Octets of the longest name that is looked for, blanks behind it included. */
#define SMTP_FIELDS_NAME_MAX 24

enum smtp_fields_state {
	SMTP_FIELDS_START, /* of a line */
	SMTP_FIELDS_NAME,  /* in the name of a field; it is held */
	SMTP_FIELDS_LINE,  /* behind it */
	SMTP_FIELDS_BODY
};

struct smtp_fields {
	enum smtp_fields_state state;
	bool is_hidden; /* the field is left out */
	unsigned seen;	/* SMTP_FIELDS_* */
	size_t held_len;
	char held[SMTP_FIELDS_NAME_MAX];
};
#define SMTP_FIELDS_ZERO                                                       \
	{                                                                      \
		.state = SMTP_FIELDS_START                                     \
	}

/* The next piece of the message, CRLF lines; what comes out goes to put. */
void smtp_fields_push(struct smtp_fields *f, char const *s, size_t len,
	smtp_put *put, void *data);
/* Behind the last piece. */
void smtp_fields_end(struct smtp_fields *f, smtp_put *put, void *data);

#endif
