/*
 * session.h - one SMTP session, from the greeting to the end (RFC 5321)
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/addr.h"
#include "common/monitor/front.h"
#include "common/table.h"
#include "smtpd/command.h"
#include "smtpd/intake.h"
#include "smtpd/preamble.h"
#include "smtpd/reply.h"
#include "smtpd/transaction.h"

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
#define SMTP_AT_BDAT 16u /* and a chunk that was not the last */
#define SMTP_AT_ANY 31u

/* Commands that bring no message nearer (all but RCPT, DATA and BDAT), from one
 * message to the next: more are no client's. */
#define SMTP_IDLE_MAX 2000
/* A session without an accepted message may last this many times the time limit
 * of one wait; one that receives, a second longer for each so many octets. */
#define SMTP_TIMEOUTS_MAX 10
#define SMTP_OCTETS_PER_SECOND 1000
/* A pair to policy or check (guard.h), asked for when first needed. */
struct smtp_guard_pair {
	bool is_asked, is_wanted;
	bool is_second; /* the first has gone */
	int fd; /* -1: none to be had, or none wanted */
};

struct smtp_guard {
	struct smtp_guard_pair policy, check;
	uint32_t messages; /* what policy said last: policing.h */
	bool is_early;	   /* spoke before the greeting */
};

struct smtp_session {
	struct front *front;
	enum smtp_mode mode;
	char const *mailbox; /* who has logged in, or NULL */
	struct table recipients;
	uint64_t size_max; /* octets of a message; 0: no limit */
	size_t recipients_max;
	size_t line_max; /* octets of a line of a message */
	unsigned bad_max, refused_max;
	int tarpit_ms;	   /* for each refused recipient but the first */
	int greet_ms;	   /* before the greeting */
	bool refuses_early; /* who speaks before it; else rules may ask */
	bool may_repair;   /* bare CR, LF and NUL are made right */
	bool hides_client; /* in our Received field, after login */
	bool may_xclient;
	uint64_t hold_max; /* seconds of FUTURERELEASE */

	unsigned state; /* one of SMTP_AT_* */
	bool is_extended;
	struct smtp_preamble client; /* its name, and what TLS agreed on */
	/* By PROXY or XCLIENT: another address than the peer's, and its name
	 * in the DNS; empty: not known. */
	char client_address[SMTP_CLIENT_MAX + 1];
	char client_name[SMTP_HELO_MAX + 1];
	unsigned bad_commands;
	unsigned refused;	/* recipients */
	unsigned idle_commands; /* since the last message */
	unsigned accepted;	/* messages */
	bool is_over;
	char const *reason;  /* why it is over, for the log */
	int timeout_ms;	     /* of one wait */
	int64_t deadline_ms; /* on stream_clock_ms, of what is to be done */

	struct smtp_transaction mail;
	struct smtp_intake intake;
	struct smtp_guard guard;
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
/* The same for a text that is not of the table (printable ASCII, with its
 * code).
 */
void smtp_session_refuse_text(
	struct smtp_session *s, char const *text, struct addr const *to);
/* Send what is to be sent, then wait. */
void smtp_session_pause(struct smtp_session *s, int ms);
/* Another client is behind the peer, as PROXY or XCLIENT say: what the peer's
 * network may is not for it. address is one, as text. */
void smtp_session_set_client(struct smtp_session *s, char const *address);
/* Forget the transaction, and that there was a HELO. */
void smtp_session_restart(struct smtp_session *s);
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
