/* One SMTP session. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include "common/log.h"
#include "common/netlist.h"
#include "common/settings.h"
#include "common/tls.h"
#include "smtpd/cmd.h"
#include "smtpd/guard.h"
#include "smtpd/proxied.h"

#define SIZE_MAX_DEFAULT 52428800
#define RECIPIENTS_MAX_DEFAULT 1000
#define LINE_MAX_DEFAULT 1048576
#define BAD_MAX_DEFAULT 10
#define REFUSED_MAX_DEFAULT 100

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
	[SMTP_BDAT] = {smtp_cmd_bdat, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_ETRN] = {smtp_cmd_etrn, SMTP_AT_READY, SMTP_R_NESTED},
	[SMTP_EXPN] = {smtp_cmd_expn, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_XCLIENT] = {smtp_cmd_xclient, SMTP_AT_START | SMTP_AT_READY,
		SMTP_R_NESTED},
	[SMTP_AUTH] = {smtp_cmd_auth, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_KNOWN] = {smtp_cmd_not_here, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_HTTP] = {smtp_cmd_http, SMTP_AT_ANY, SMTP_R_OK},
	[SMTP_UNKNOWN] = {smtp_cmd_unknown, SMTP_AT_ANY, SMTP_R_OK},
};

static unsigned
number(struct smtp_session const *s, char const *key, unsigned otherwise)
{
	uint64_t n = settings_number(&s->front->settings, key, otherwise);

	return n > INT32_MAX / 1000 ? INT32_MAX / 1000 : (unsigned)n;
}

/* What depends on who the client is. */
static void
set_rights(struct smtp_session *s)
{
	struct table const *settings = &s->front->settings;

	s->may_repair =
		s->mode == SMTP_MODE_WORLD && number(s, "repair-lines", 0) != 0;
	s->may_xclient = s->mode != SMTP_MODE_OWNER &&
			 netlist_holds(settings_text(settings, "xclient-from"),
				 s->front->client);
}

void
smtp_session_init(struct smtp_session *s, struct front *front,
	enum smtp_mode mode, char const *mailbox)
{
	s->front = front;
	s->mode = mode;
	s->mailbox = mailbox;
	s->size_max = settings_number(
		&front->settings, "message-size-max", SIZE_MAX_DEFAULT);
	s->recipients_max = number(s, "recipients-max", RECIPIENTS_MAX_DEFAULT);
	if (s->recipients_max > QUEUEFILE_RECIPIENTS_MAX)
		s->recipients_max = QUEUEFILE_RECIPIENTS_MAX;
	s->line_max = settings_number(
		&front->settings, "line-length-max", LINE_MAX_DEFAULT);
	s->bad_max = number(s, "errors-max", BAD_MAX_DEFAULT);
	s->refused_max = number(s, "refused-max", REFUSED_MAX_DEFAULT);
	s->tarpit_ms = (int)number(s, "tarpit-delay", 1) * 1000;
	s->greet_ms = (int)number(s, "greet-delay", 0) * 1000;
	s->refuses_early = number(s, "greet-refuse", 1) != 0;
	s->hold_max = number(s, "future-release-max", 0);
	s->hides_client = number(s, "hide-submitter", 0) != 0;
	set_rights(s);
	s->state = SMTP_AT_START;
	s->reason = "closed";
	s->timeout_ms = front->stream.timeout_ms;
	smtp_session_renew(s);
}

void
smtp_session_set_client(struct smtp_session *s, char const *address)
{
	size_t len = strlen(address);

	if (len > SMTP_CLIENT_MAX)
		len = SMTP_CLIENT_MAX;
	memcpy(s->client_address, address, len);
	s->client_address[len] = '\0';
	s->front->client = s->client_address;
	s->client_name[0] = '\0';
	if (s->mode == SMTP_MODE_WORLD)
		s->mode = SMTP_MODE_HOSTED;
	set_rights(s);
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
	smtp_intake_abort(s);
	smtp_transaction_reset(&s->mail);
	if (s->state != SMTP_AT_START)
		s->state = SMTP_AT_READY;
}

void
smtp_session_restart(struct smtp_session *s)
{
	s->client.helo[0] = '\0';
	s->is_extended = false;
	s->state = SMTP_AT_START;
	smtp_session_reset(s);
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
	if (smtp_reply_is_bad(r) && ++s->bad_commands >= s->bad_max)
		smtp_session_end(s, SMTP_R_BAD_COMMANDS, "bad-commands");
}

void
smtp_session_pause(struct smtp_session *s, int ms)
{
	struct stream *stream = &s->front->stream;

	if (ms > 0 && stream_flush(stream))
		(void)!stream_wait(stream, 0, stream_clock_ms() + ms);
}

static void
log_refused(struct smtp_session const *s, char const *text, size_t len,
	struct addr const *to)
{
	struct log_line line;

	log_begin(&line, "refused", NULL);
	log_text(&line, "client", s->front->client, strlen(s->front->client));
	log_text(&line, "helo", s->client.helo, strlen(s->client.helo));
	if (s->mailbox != NULL)
		log_text(&line, "mailbox", s->mailbox, strlen(s->mailbox));
	if (s->state & (SMTP_AT_MAIL | SMTP_AT_RCPT | SMTP_AT_BDAT))
		log_text(&line, "from", s->mail.sender, s->mail.sender_len);
	if (to != NULL)
		log_text(&line, "to", to->whole, to->whole_len);
	log_text(&line, "reply", text, len);
	log_end(&line);
}

void
smtp_session_refuse(struct smtp_session *s, enum smtp_reply r,
	char const *detail, struct addr const *to)
{
	char text[SMTP_REPLY_MAX];

	log_refused(s, text, smtp_reply_format(text, r, detail), to);
	smtp_session_reply(s, r, detail);
}

void
smtp_session_refuse_text(
	struct smtp_session *s, char const *text, struct addr const *to)
{
	log_refused(s, text, strlen(text), to);
	smtp_session_reply(s, SMTP_R_GIVEN, text);
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

/* Commands that SMTPUTF8 has changed (RFC 6531 3.4, 3.7.4.2): they look
 * themselves. */
static bool
takes_utf8(struct smtp_command const *c)
{
	return c->verb == SMTP_MAIL || c->verb == SMTP_RCPT ||
	       ((c->verb == SMTP_VRFY || c->verb == SMTP_EXPN) &&
		       smtp_asks_for_utf8(c->argument, c->argument_len));
}

static bool
is_of_message(enum smtp_verb verb)
{
	return verb == SMTP_RCPT || verb == SMTP_DATA || verb == SMTP_BDAT;
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
	smtp_command_parse(line, len, &command);
	if (flaw == SMTP_LINE_8BIT && !takes_utf8(&command)) {
		smtp_session_reply(s, SMTP_R_LINE_8BIT, "");
		return;
	}
	if (!is_of_message(command.verb) &&
		++s->idle_commands > SMTP_IDLE_MAX) {
		smtp_session_end(s, SMTP_R_IDLE, "idle");
		return;
	}
	if (commands[command.verb].states & s->state)
		commands[command.verb].run(
			s, command.argument, command.argument_len);
	else if (s->state == SMTP_AT_START)
		smtp_session_reply(s, SMTP_R_NEED_HELLO, "");
	else if (s->state == SMTP_AT_BDAT)
		smtp_session_reply(s, SMTP_R_NESTED, "");
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

/* Before the first word of ours. False: the session is over. */
static bool
greet(struct smtp_session *s)
{
	struct stream *stream = &s->front->stream;

	if (!smtp_proxied_begin(s))
		return false;
	front_handshake(s->front);
	if (s->front->is_tls)
		smtp_session_note_tls(s);
	/* Who does not wait for the greeting wants to be quick, not polite. */
	if (s->greet_ms > 0 &&
		(stream_pending(stream) > 0 ||
			stream_wait(stream, POLLIN,
				stream_clock_ms() + s->greet_ms))) {
		s->guard.is_early = true;
		if (s->refuses_early) {
			smtp_session_end(s, SMTP_R_EARLY, "early");
			return false;
		}
	}
	if (!smtp_guard_stage(s, POLICING_CONNECT, NULL, 0)) {
		s->is_over = true;
		s->reason = "refused";
		return false;
	}
	smtp_session_reply(s, SMTP_R_GREETING, s->front->hostname);
	return true;
}

void
smtp_session_run(struct smtp_session *s)
{
	log_session(s, "connected", false);
	if (s->mode == SMTP_MODE_OWNER)
		s->state = SMTP_AT_READY; /* the front has greeted */
	else
		(void)!greet(s);
	while (!s->is_over)
		next_line(s);
	smtp_intake_abort(s);
	stream_close(&s->front->stream);
	log_session(s, "disconnected", true);
}
