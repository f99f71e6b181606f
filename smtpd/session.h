/*
 * session.h - one SMTP session, from the greeting to the end (RFC 5321)
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/addr.h"
#include "common/drop.h"
#include "common/monitor/front.h"
#include "common/table.h"
#include "smtpd/command.h"
#include "smtpd/preamble.h"
#include "smtpd/reply.h"

/* Whom a session may send to. The manager decides the same once more, by the
 * uid of the dropped file. */
enum smtp_mode {
	SMTP_MODE_HOSTED, /* port 25: the domains that are in recipients.cdb */
	SMTP_MODE_WORLD,  /* port 25, a network that may relay: anybody */
	SMTP_MODE_OWNER	  /* after login: anybody, under addresses that the
			   * mailbox owns */
};

/* Where the session stands; bits, so that a command names several. */
#define SMTP_AT_START 1u /* nothing said yet */
#define SMTP_AT_READY 2u /* HELO or EHLO said */
#define SMTP_AT_MAIL 4u	 /* MAIL accepted */
#define SMTP_AT_RCPT 8u	 /* and a recipient */
#define SMTP_AT_ANY 15u

/* Bad commands after which a session ends. */
#define SMTP_BAD_MAX 10
/* A session without an accepted message may last this many times the time limit
 * of one wait; one that receives, a second longer for each so many octets. */
#define SMTP_TIMEOUTS_MAX 10
#define SMTP_OCTETS_PER_SECOND 1000
/* Received fields of a message that goes round in a loop. */
#define SMTP_HOPS_MAX 50

struct smtp_session {
	struct front *front;
	enum smtp_mode mode;
	char const *mailbox; /* who has logged in, or NULL */
	struct table recipients;
	uint64_t size_max; /* octets of a message; 0: no limit */
	size_t recipients_max;

	unsigned state; /* one of SMTP_AT_* */
	bool is_extended;
	struct smtp_preamble client; /* its name, and what TLS agreed on */
	unsigned bad_commands;
	unsigned accepted; /* messages */
	bool is_over;
	char const *reason;  /* why it is over, for the log */
	int timeout_ms;	     /* of one wait */
	int64_t deadline_ms; /* on stream_clock_ms, of what is to be done */

	/* The transaction. */
	char sender[ADDR_PATH_MAX + 1];
	size_t sender_len;
	unsigned flags; /* QUEUEFILE_* */
	stralloc to;	/* recipients, each NUL-ended */
	size_t to_count;
	size_t refused_count;
	struct drop drop;
};

/*
 * Fill in what the settings say. front and recipients are ready; zeroed
 * otherwise.
 */
void smtp_session_init(struct smtp_session *s, struct front *front,
	enum smtp_mode mode, char const *mailbox);

/* Read and answer until the session is over; then log how it ended. */
void smtp_session_run(struct smtp_session *s);

/* For the commands: answer; count what is bad; log what is refused. */
void smtp_session_reply(
	struct smtp_session *s, enum smtp_reply r, char const *detail);
/* As above, with a log line: the recipient in question, or NULL. */
void smtp_session_refuse(struct smtp_session *s, enum smtp_reply r,
	char const *detail, struct addr const *to);
/* Forget the transaction. */
void smtp_session_reset(struct smtp_session *s);
/* Note what TLS agreed on, if it is on. */
void smtp_session_note_tls(struct smtp_session *s);
/* Something was done: there is time again for as much. */
void smtp_session_renew(struct smtp_session *s);
/* Before a wait: limit it by what is left of the time for all, now that so many
 * octets of a message have come. */
void smtp_session_limit(struct smtp_session *s, uint64_t received);
/* Answer and end. */
void smtp_session_end(
	struct smtp_session *s, enum smtp_reply r, char const *reason);
/* The stream has failed or ended (errno): say so if one still can, and end. */
void smtp_session_broken(struct smtp_session *s, int filled);

#endif
