/*
 * milter.h - a client of the milter protocol
 *
 * Plays one message to a milter (rspamd, opendkim, clamav-milter and the like)
 * as a mail server would, after it was received whole: negotiation, connection,
 * HELO, MAIL, RCPT, DATA, header, body. What it wants changed is changed in an
 * edit. Recipients and the sender can't be changed any more when a milter is
 * asked; one that wants to is logged, and nothing else.
 */
#ifndef MILTER_H
#define MILTER_H

#include <stdbool.h>
#include <stddef.h>
#include "smtpd/check/edit.h"
#include "smtpd/check/rules.h"
#include "smtpd/checking.h"

#define MILTER_TEXT_MAX CHECKING_TEXT_MAX

struct milter_request {
	struct rules_text where; /* `inet:ADDRESS:PORT` or `unix:PATH` */
	struct checking_message const *message;
	char const *to; /* recipients, NUL-ended each */
	size_t to_len;
	char const *hostname; /* ours */
	int timeout_ms;	      /* of each step */
};

enum milter_outcome {
	MILTER_PASSED, /* it has nothing against it */
	MILTER_REJECTED,
	MILTER_DEFERRED,
	MILTER_DISCARDED,
	MILTER_BROKEN /* it could not be asked; why says what failed */
};

struct milter_answer {
	enum milter_outcome outcome;
	unsigned code; /* of REJECTED and DEFERRED */
	char text[MILTER_TEXT_MAX + 1];
	bool is_quarantined;
	unsigned refused_changes; /* of sender and recipients */
	char const *why;	  /* static text */
};

/* Ask. errno after MILTER_BROKEN, where it has a meaning. */
void milter_ask(struct milter_request const *request, struct edit *edit,
	struct milter_answer *answer_r);

#endif
