/* Submission before login. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "common/log.h"
#include "common/queuefile.h"
#include "common/settings.h"
#include "smtpd/command.h"
#include "smtpd/hello.h"
#include "smtpd/proxied.h"
#include "smtpd/submit.h"

#define BAD_MAX 10
/* RFC 4954 3: AUTH may be this long; other commands SMTP_LINE_MAX. */
#define AUTH_LINE_MAX (LOGIN_BASE64(LOGIN_TOKEN_MAX) + 20)
#define SIZE_MAX_DEFAULT 52428800

void
submit_end(struct submit *s, enum smtp_reply r, char const *reason)
{
	if (s->is_over)
		return;
	(void)smtp_reply_send(&s->front->stream, r, s->front->hostname);
	s->is_over = true;
	s->reason = reason;
}

void
submit_reply(struct submit *s, enum smtp_reply r, char const *detail)
{
	(void)smtp_reply_send(&s->front->stream, r, detail);
	if (smtp_reply_is_bad(r) && ++s->bad_commands >= BAD_MAX)
		submit_end(s, SMTP_R_BAD_COMMANDS, "bad-commands");
}

static void
broken(struct submit *s, int filled)
{
	if (filled < 0 && errno == ETIMEDOUT) {
		submit_end(s, SMTP_R_TIMEOUT, "timeout");
	} else if (filled < 0 && errno == ECANCELED) {
		submit_end(s, SMTP_R_STOPPED, "stopped");
	} else {
		s->is_over = true;
		s->reason = filled < 0 ? "lost" : "closed";
	}
}

int
submit_line(struct submit *s, size_t max, enum smtp_reply too_long,
	char const **line_r, size_t *len_r)
{
	struct stream *stream = &s->front->stream;
	int64_t left_ms = s->deadline_ms - stream_clock_ms();
	enum smtp_line_flaw flaw;
	bool crlf;
	int r;

	if (left_ms < stream->timeout_ms)
		stream->timeout_ms = left_ms > 0 ? (int)left_ms : 0;
	r = stream_line(stream, max, line_r, len_r, &crlf);
	if (r < 0 && errno == E2BIG) {
		r = stream_skip_line(stream);
		if (r > 0) {
			submit_reply(s, too_long, "");
			return 0;
		}
	}
	if (r <= 0) {
		broken(s, r);
		return 0;
	}
	flaw = smtp_line_check(*line_r, *len_r);
	if (crlf && flaw == SMTP_LINE_CLEAN)
		return 1;
	submit_reply(s,
		crlf && flaw == SMTP_LINE_8BIT ? SMTP_R_LINE_8BIT
					       : SMTP_R_LINE_CONTROL,
		"");
	return 0;
}

static uint64_t
recipients_max(struct table const *settings)
{
	uint64_t n = settings_number(
		settings, "recipients-max", QUEUEFILE_RECIPIENTS_MAX);

	return n < QUEUEFILE_RECIPIENTS_MAX ? n : QUEUEFILE_RECIPIENTS_MAX;
}

static void
hello(struct submit *s, char const *argument, size_t len, bool is_extended)
{
	struct table const *settings = &s->front->settings;
	/* What the smtpd behind the login will do is told here: nobody asks
	 * again after AUTH. */
	struct smtp_hello h = {.helo = s->client.helo,
		.size_max = settings_number(
			settings, "message-size-max", SIZE_MAX_DEFAULT),
		.recipients_max = recipients_max(settings),
		.hold_max = settings_number(settings, "future-release-max", 0),
		.now = (uint64_t)time(NULL),
		.has_starttls = s->front->has_certificates && !s->front->is_tls,
		.has_auth = s->front->is_tls,
		.is_login = s->front->is_tls,
		.is_tls = s->front->is_tls};

	if (!smtp_helo_ok(argument, len)) {
		submit_reply(
			s, SMTP_R_SYNTAX, "EHLO your.name or EHLO [address]");
		return;
	}
	memcpy(s->client.helo, argument, len);
	s->client.helo[len] = '\0';
	if (is_extended)
		smtp_hello_send(s->front, &h);
	else
		submit_reply(s, SMTP_R_HELLO, s->front->hostname);
}

/* RFC 3207 */
static void
starttls(struct submit *s, size_t argument_len)
{
	if (s->front->is_tls) {
		submit_reply(s, SMTP_R_IS_TLS, "");
	} else if (argument_len > 0) {
		submit_reply(s, SMTP_R_SYNTAX, "STARTTLS");
	} else if (!s->front->has_certificates) {
		submit_reply(s, SMTP_R_TLS_LATER, "");
	} else if (stream_pending(&s->front->stream) > 0) {
		/* Octets in the clear that would count as sent under TLS. */
		submit_end(s, SMTP_R_INJECTION, "injection");
	} else {
		submit_reply(s, SMTP_R_TLS_READY, "");
		if (!front_start_tls(s->front)) {
			s->is_over = true;
			s->reason = "tls-failed";
		}
		s->client.helo[0] = '\0';
	}
}

static void
need_login(struct submit *s)
{
	submit_reply(
		s, s->front->is_tls ? SMTP_R_NEED_LOGIN : SMTP_R_NEED_TLS, "");
}

static void
run_command(struct submit *s, struct smtp_command const *c)
{
	switch (c->verb) {
	case SMTP_HELO:
	case SMTP_EHLO:
		hello(s, c->argument, c->argument_len, c->verb == SMTP_EHLO);
		break;
	case SMTP_STARTTLS:
		starttls(s, c->argument_len);
		break;
	case SMTP_AUTH:
		submit_auth(s, c->argument, c->argument_len);
		break;
	case SMTP_NOOP:
	case SMTP_RSET:
		submit_reply(s, SMTP_R_OK, "");
		break;
	case SMTP_VRFY:
		submit_reply(s, SMTP_R_VRFY, "");
		break;
	case SMTP_HELP:
		submit_reply(s, SMTP_R_HELP, "");
		break;
	case SMTP_QUIT:
		submit_end(s, SMTP_R_BYE, "quit");
		break;
	case SMTP_HTTP:
		submit_end(s, SMTP_R_HTTP, "http");
		break;
	case SMTP_UNKNOWN:
		submit_reply(s, SMTP_R_UNKNOWN, "");
		break;
	case SMTP_BDAT:
		/* The chunk behind it must not be read as commands. */
		need_login(s);
		submit_end(s, SMTP_R_LOST_CHUNK, "lost-chunk");
		break;
	case SMTP_MAIL:
	case SMTP_RCPT:
	case SMTP_DATA:
	case SMTP_ETRN:
	case SMTP_EXPN:
	case SMTP_XCLIENT:
	case SMTP_KNOWN:
	case SMTP_VERBS:
		need_login(s);
		break;
	}
}

static void
log_session(struct submit const *s, char const *event, char const *reason)
{
	struct log_line line;

	log_begin(&line, event, NULL);
	log_text(&line, "client", s->front->client, strlen(s->front->client));
	if (reason != NULL) {
		log_text(&line, "helo", s->client.helo, strlen(s->client.helo));
		log_text(&line, "reason", reason, strlen(reason));
	}
	log_end(&line);
}

/* A balancer says for whom it speaks, before all else. */
static bool
read_proxy(struct submit *s)
{
	struct smtp_proxy proxy;
	int r = smtp_proxied_read(s->front, &proxy);

	if (r == -1) {
		s->is_over = true;
		s->reason = "bad-proxy";
		return false;
	}
	if (!proxy.is_own) {
		memcpy(s->client_address, proxy.address, sizeof proxy.address);
		s->front->client = s->client_address;
	}
	if (r >= 0)
		return true;
	if (!s->front->implicit_tls)
		submit_end(s, SMTP_R_TOO_MANY, "too-many");
	s->is_over = true;
	s->reason = "too-many";
	return false;
}

bool
submit_run(struct submit *s)
{
	s->deadline_ms =
		stream_clock_ms() +
		(int64_t)s->front->stream.timeout_ms * SUBMIT_TIMEOUTS_MAX;
	log_session(s, "connected", NULL);
	if (read_proxy(s)) {
		front_handshake(s->front);
		submit_reply(s, SMTP_R_GREETING, s->front->hostname);
	}
	while (!s->is_over && !s->is_login) {
		struct smtp_command command;
		char const *line;
		size_t len;

		if (!submit_line(
			    s, AUTH_LINE_MAX, SMTP_R_LINE_LONG, &line, &len))
			continue;
		smtp_command_parse(line, len, &command);
		if (len > SMTP_LINE_MAX && command.verb != SMTP_AUTH)
			submit_reply(s, SMTP_R_LINE_LONG, "");
		else
			run_command(s, &command);
	}
	if (s->is_login && stream_flush(&s->front->stream))
		return true;
	stream_close(&s->front->stream);
	log_session(s, "disconnected", s->is_over ? s->reason : "lost");
	return false;
}
