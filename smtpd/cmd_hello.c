/* HELO, EHLO (RFC 5321 4.1.1.1). */
#include <string.h>
#include <time.h>
#include "smtpd/cmd.h"
#include "smtpd/guard.h"
#include "smtpd/hello.h"

static bool
take_name(struct smtp_session *s, char const *argument, size_t len)
{
	if (!smtp_helo_ok(argument, len)) {
		smtp_session_reply(
			s, SMTP_R_SYNTAX, "EHLO your.name or EHLO [address]");
		return false;
	}
	memcpy(s->client.helo, argument, len);
	s->client.helo[len] = '\0';
	s->state = SMTP_AT_READY;
	/* A second EHLO is also a RSET (RFC 5321 4.1.4). */
	smtp_session_reset(s);
	if (smtp_guard_stage(s, POLICING_HELO, NULL, 0))
		return true;
	s->state = SMTP_AT_START;
	return false;
}

void
smtp_cmd_helo(struct smtp_session *s, char const *argument, size_t len)
{
	if (!take_name(s, argument, len))
		return;
	s->is_extended = false;
	smtp_session_reply(s, SMTP_R_HELLO, s->front->hostname);
}

void
smtp_cmd_ehlo(struct smtp_session *s, char const *argument, size_t len)
{
	bool is_login = s->mode == SMTP_MODE_OWNER;
	struct smtp_hello hello = {.helo = s->client.helo,
		.size_max = s->size_max,
		.recipients_max = s->recipients_max,
		.hold_max = s->hold_max,
		.now = (uint64_t)time(NULL),
		.has_starttls = !is_login && s->front->has_certificates &&
				!s->front->is_tls,
		.is_login = is_login,
		.is_tls = s->client.tls[0] != '\0',
		.has_xclient = s->may_xclient};

	if (!take_name(s, argument, len))
		return;
	s->is_extended = true;
	smtp_hello_send(s->front, &hello);
}
