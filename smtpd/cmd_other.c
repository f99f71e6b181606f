/* The commands that are a few lines each. */
#include "smtpd/cmd.h"

void
smtp_cmd_rset(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	if (len > 0) {
		smtp_session_reply(s, SMTP_R_SYNTAX, "RSET");
		return;
	}
	smtp_session_reset(s);
	smtp_session_reply(s, SMTP_R_OK, "");
}

void
smtp_cmd_noop(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	(void)len;
	smtp_session_reply(s, SMTP_R_OK, "");
}

/* Tells nothing of who is here (RFC 5321 7.3). */
void
smtp_cmd_vrfy(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	if (len == 0)
		smtp_session_reply(s, SMTP_R_SYNTAX, "VRFY address");
	else
		smtp_session_reply(s, SMTP_R_VRFY, "");
}

void
smtp_cmd_help(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	(void)len;
	smtp_session_reply(s, SMTP_R_HELP, "");
}

void
smtp_cmd_quit(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	if (len > 0)
		smtp_session_reply(s, SMTP_R_SYNTAX, "QUIT");
	else
		smtp_session_end(s, SMTP_R_BYE, "quit");
}

/* RFC 3207 */
void
smtp_cmd_starttls(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	if (s->mode == SMTP_MODE_OWNER || s->front->is_tls) {
		smtp_session_reply(s, SMTP_R_IS_TLS, "");
		return;
	}
	if (len > 0) {
		smtp_session_reply(s, SMTP_R_SYNTAX, "STARTTLS");
		return;
	}
	if (!s->front->has_certificates) {
		smtp_session_reply(s, SMTP_R_TLS_LATER, "");
		return;
	}
	/* What stands in the clear behind STARTTLS may be somebody else's, put
	 * there to be taken for the client's own, under TLS. */
	if (stream_pending(&s->front->stream) > 0) {
		smtp_session_end(s, SMTP_R_INJECTION, "injection");
		return;
	}
	smtp_session_reply(s, SMTP_R_TLS_READY, "");
	if (!front_start_tls(s->front)) {
		s->is_over = true;
		s->reason = "tls-failed";
		return;
	}
	smtp_session_note_tls(s);
	/* What was said before does not count (RFC 3207 4.2). */
	smtp_session_restart(s);
}

void
smtp_cmd_auth(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	(void)len;
	smtp_session_reply(s,
		s->mode == SMTP_MODE_OWNER ? SMTP_R_IS_LOGIN : SMTP_R_NOT_HERE,
		"");
}

void
smtp_cmd_not_here(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	(void)len;
	smtp_session_reply(s, SMTP_R_NOT_HERE, "");
}

/* A web browser, or a page that makes one talk to us: what follows would be
 * taken for commands. */
void
smtp_cmd_http(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	(void)len;
	smtp_session_end(s, SMTP_R_HTTP, "http");
}

void
smtp_cmd_unknown(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	(void)len;
	smtp_session_reply(s, SMTP_R_UNKNOWN, "");
}
