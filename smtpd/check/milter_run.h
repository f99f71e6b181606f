/*
 * milter_run.h - a session with a milter, for milter.c, milter_link.c and
 * milter_send.c alone
 *
 * What returns false has said why by milter_broken, or the milter has decided.
 */
#ifndef MILTER_RUN_H
#define MILTER_RUN_H

#include <stdint.h>
#include "smtpd/check/milter.h"
#include "smtpd/check/milterwire.h"

struct milter_session {
	struct milter_request const *request;
	struct milter_answer *answer;
	struct edit *edit;
	int fd;
	int64_t deadline_ms;
	uint32_t steps; /* that it asked to leave out, or not to answer */
	bool is_over;	/* it has decided */
	bool skips_body;
	stralloc out;	   /* packets not yet sent */
	stralloc in;	   /* the packet that was read */
	stralloc new_body; /* in pieces */
	bool has_new_body;
};

/* The connection; what is waited for is the milter. */
bool milter_broken(struct milter_session *s, char const *why);
void milter_renew(struct milter_session *s); /* the time that it has */
bool milter_connect(struct milter_session *s);
bool milter_flush(struct milter_session *s);
bool milter_read(struct milter_session *s, struct milterwire_packet *p);
bool milter_no_memory(struct milter_session *s);

/* Send what is gathered; if quiet is not said in the negotiation, wait for the
 * answer. False: it is over. */
bool milter_step(struct milter_session *s, uint32_t quiet);

/* One macro packet for the step of that letter: names and values in turn, ended
 * by NULL. */
bool milter_macros(
	struct milter_session *s, char command, char const *const *pairs);
/* A field of the message's, as a string. */
char const *milter_string(struct checking_bytes b, char *out, size_t size);

/* The steps; body: where the body begins. */
bool milter_send_connect(struct milter_session *s);
bool milter_send_helo(struct milter_session *s);
bool milter_send_sender(struct milter_session *s);
bool milter_send_recipients(struct milter_session *s);
bool milter_send_data(struct milter_session *s);
bool milter_send_header(struct milter_session *s, size_t *body_r);
bool milter_send_body(struct milter_session *s, size_t body);

#endif
