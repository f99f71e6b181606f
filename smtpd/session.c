/* One SMTP session. */
#include <errno.h>
#include <string.h>
#include "common/log.h"
#include "common/settings.h"
#include "common/tls.h"
#include "smtpd/cmd.h"

#define SIZE_MAX_DEFAULT 52428800
#define RECIPIENTS_MAX_DEFAULT 1000

/* The state machine. `otherwise` is said in a state that is not allowed, but
 * before HELO the answer is always that. */
static struct {
	smtp_cmd_function *run;
	unsigned states;
	enum smtp_reply otherwise;
} const commands[SMTP_VERBS] = {
	[SMTP_HELO] = {smtp_cmd_helo, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_EHLO] = {smtp_cmd_ehlo, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_MAIL] = {smtp_cmd_mail, SMTP_AT_READY, SMTP_R_NESTED},
	[SMTP_RCPT] = {smtp_cmd_rcpt, SMTP_AT_MAIL | SMTP_AT_RCPT,
		SMTP_R_NEED_MAIL},
	[SMTP_DATA] = {smtp_cmd_data, SMTP_AT_MAIL | SMTP_AT_RCPT,
		SMTP_R_NEED_MAIL},
	[SMTP_RSET] = {smtp_cmd_rset, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_NOOP] = {smtp_cmd_noop, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_VRFY] = {smtp_cmd_vrfy, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_HELP] = {smtp_cmd_help, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_QUIT] = {smtp_cmd_quit, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_STARTTLS] = {smtp_cmd_starttls, SMTP_AT_START | SMTP_AT_READY,
		SMTP_R_NESTED},
	[SMTP_AUTH] = {smtp_cmd_auth, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_KNOWN] = {smtp_cmd_not_here, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_HTTP] = {smtp_cmd_http, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_UNKNOWN] = {smtp_cmd_unknown, SMTP_AT_ANY, SMTP_R_OK},
};

void
smtp_session_init(struct smtp_session *s, struct front *front,
	enum smtp_mode mode, char const *mailbox)
{
	uint64_t recipients = settings_number(
		&front->settings, "recipients-max", RECIPIENTS_MAX_DEFAULT);

	s->front = front;
	s->mode = mode;
	s->mailbox = mailbox;
	s->size_max = settings_number(
		&front->settings, "message-size-max", SIZE_MAX_DEFAULT);
	s->recipients_max = recipients > QUEUEFILE_RECIPIENTS_MAX
				    ? QUEUEFILE_RECIPIENTS_MAX
				    : (size_t)recipients;
	s->state = SMTP_AT_START;
	s->reason = "closed";
	s->timeout_ms = front->stream.timeout_ms;
	smtp_session_renew(s);
	if (mode != SMTP_MODE_OWNER && front->is_tls)
		smtp_session_note_tls(s);
}

void
smtp_session_renew(struct smtp_session *s)
{
	s->deadline_ms =
		stream_clock_ms() + (int64_t)s->timeout_ms * SMTP_TIMEOUTS_MAX;
}

void
smtp_session_limit(struct smtp_session *s, uint64_t received)
{
	int64_t left_ms = s->deadline_ms - stream_clock_ms();

	/* What is too big already earns no more time. */
	if (s->size_max > 0 && received > s->size_max)
		received = s->size_max;
	left_ms += (int64_t)(received / SMTP_OCTETS_PER_SECOND) * 1000;
	if (left_ms > s->timeout_ms)
		left_ms = s->timeout_ms;
	s->front->stream.timeout_ms = left_ms > 0 ? (int)left_ms : 0;
}

void
smtp_session_note_tls(struct smtp_session *s)
{
	smtp_preamble_set_tls(&s->client, tls_describe(&s->front->stream));
}

void
smtp_session_reset(struct smtp_session *s)
{
	s->sender_len = 0;
	s->flags = 0;
	s->to.len = 0;
	s->to_count = 0;
	s->refused_count = 0;
	if (s->state != SMTP_AT_START)
		s->state = SMTP_AT_READY;
}

void
smtp_session_end(struct smtp_session *s, enum smtp_reply r, char const *reason)
{
	if (s->is_over)
		return;
	(void)smtp_reply_send(&s->front->stream, r, s->front->hostname);
	s->is_over = true;
	s->reason = reason;
}

void
smtp_session_reply(
	struct smtp_session *s, enum smtp_reply r, char const *detail)
{
	(void)smtp_reply_send(&s->front->stream, r, detail);
	if (smtp_reply_is_bad(r) && ++s->bad_commands >= SMTP_BAD_MAX)
		smtp_session_end(s, SMTP_R_BAD_COMMANDS, "bad-commands");
}

void
smtp_session_refuse(struct smtp_session *s, enum smtp_reply r,
	char const *detail, struct addr const *to)
{
	struct log_line line;
	char text[SMTP_REPLY_MAX];
	size_t len = smtp_reply_format(text, r, detail);

	log_begin(&line, "refused", NULL);
	log_text(&line, "client", s->front->client, strlen(s->front->client));
	log_text(&line, "helo", s->client.helo, strlen(s->client.helo));
	if (s->mailbox != NULL)
		log_text(&line, "mailbox", s->mailbox, strlen(s->mailbox));
	if (s->state & (SMTP_AT_MAIL | SMTP_AT_RCPT))
		log_text(&line, "from", s->sender, s->sender_len);
	if (to != NULL)
		log_text(&line, "to", to->whole, to->whole_len);
	log_text(&line, "reply", text, len);
	log_end(&line);
	smtp_session_reply(s, r, detail);
}

void
smtp_session_broken(struct smtp_session *s, int filled)
{
	if (filled < 0 && errno == ETIMEDOUT) {
		smtp_session_end(s, SMTP_R_TIMEOUT, "timeout");
	} else if (filled < 0 && errno == ECANCELED) {
		smtp_session_end(s, SMTP_R_STOPPED, "stopped");
	} else {
		s->is_over = true;
		s->reason = filled < 0 ? "lost" : "closed";
	}
}

static void
run_line(struct smtp_session *s, char const *line, size_t len, bool crlf)
{
	enum smtp_line_flaw flaw = smtp_line_check(line, len);
	struct smtp_command command;

	/* Whoever ends lines otherwise may see other commands than we do. */
	if (!crlf || flaw == SMTP_LINE_CONTROL) {
		smtp_session_reply(s, SMTP_R_LINE_CONTROL, "");
		return;
	}
	if (flaw == SMTP_LINE_8BIT) {
		smtp_session_reply(s, SMTP_R_LINE_8BIT, "");
		return;
	}
	smtp_command_parse(line, len, &command);
	if (commands[command.verb].states & s->state)
		commands[command.verb].run(
			s, command.argument, command.argument_len);
	else if (s->state == SMTP_AT_START)
		smtp_session_reply(s, SMTP_R_NEED_HELLO, "");
	else
		smtp_session_reply(s, commands[command.verb].otherwise, "");
}

static void
next_line(struct smtp_session *s)
{
	struct stream *stream = &s->front->stream;
	char const *line;
	size_t len;
	bool crlf;
	int r;

	smtp_session_limit(s, 0);
	r = stream_line(stream, SMTP_LINE_MAX, &line, &len, &crlf);
	if (r < 0 && errno == E2BIG) {
		r = stream_skip_line(stream);
		if (r > 0) {
			smtp_session_reply(s, SMTP_R_LINE_LONG, "");
			return;
		}
	}
	if (r > 0)
		run_line(s, line, len, crlf);
	else
		smtp_session_broken(s, r);
}

static void
log_session(struct smtp_session const *s, char const *event, bool is_end)
{
	struct log_line line;

	log_begin(&line, event, NULL);
	log_text(&line, "client", s->front->client, strlen(s->front->client));
	if (s->mailbox != NULL)
		log_text(&line, "mailbox", s->mailbox, strlen(s->mailbox));
	if (is_end) {
		log_text(&line, "helo", s->client.helo, strlen(s->client.helo));
		log_number(&line, "accepted", s->accepted);
		log_text(&line, "reason", s->reason, strlen(s->reason));
	}
	log_end(&line);
}

void
smtp_session_run(struct smtp_session *s)
{
	log_session(s, "connected", false);
	/* After login the front has greeted and heard the client's name. */
	if (s->mode == SMTP_MODE_OWNER)
		s->state = SMTP_AT_READY;
	else
		smtp_session_reply(s, SMTP_R_GREETING, s->front->hostname);
	while (!s->is_over)
		next_line(s);
	stream_close(&s->front->stream);
	log_session(s, "disconnected", true);
}
