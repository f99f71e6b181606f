/*
 * submit.h - submission before login (RFC 6409, RFC 4954)
 *
 * The session of submit-front: HELO, EHLO, STARTTLS and AUTH, and the few
 * commands that need no login. After a login the mailbox's own smtpd goes on,
 * and this process only moves octets.
 */
#ifndef SMTP_SUBMIT_H
#define SMTP_SUBMIT_H

#include <stdbool.h>
#include "common/monitor/front.h"
#include "smtpd/preamble.h"
#include "smtpd/reply.h"

/* Failed logins after which a session ends. */
#define SUBMIT_FAILED_MAX 3
/* All that comes before login may take this many times the time limit of one
 * command. */
#define SUBMIT_TIMEOUTS_MAX 3

struct submit {
	struct front *front;
	struct smtp_preamble client;
	char client_address[SMTP_CLIENT_MAX + 1]; /* by PROXY */
	unsigned bad_commands;
	bool is_over;
	char const *reason;
	int pipes[2]; /* the mailbox's smtpd, when is_login */
	bool is_login;
	int64_t deadline_ms; /* on stream_clock_ms; set by submit_run */
};

/* Read and answer until a login, or the end. Returns is_login. */
bool submit_run(struct submit *s);

/* Ask, wipe, answer: one SASL PLAIN message. */
void submit_login(struct submit *s, char const *sasl, size_t len);

/* The AUTH command (submit_auth.c). */
void submit_auth(struct submit *s, char const *argument, size_t len);

/* The next line, without its CRLF: 1, or 0 after the answer to what was none
 * or to the end of the session. */
int submit_line(struct submit *s, size_t max, enum smtp_reply too_long,
	char const **line_r, size_t *len_r) __attribute__((warn_unused_result));

void submit_reply(struct submit *s, enum smtp_reply r, char const *detail);
void submit_end(struct submit *s, enum smtp_reply r, char const *reason);

#endif
