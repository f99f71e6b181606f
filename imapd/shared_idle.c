/* IDLE while a shared mailbox is selected; see shared_idle.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "imapd/commands.h"
#include "imapd/deflate.h"
#include "imapd/notify.h"
#include "imapd/relay.h"
#include "imapd/shared_idle.h"

/* 1 the client has said something, or the time is up; 0 something happened
 * elsewhere; -1 */
static int
wait_for(struct session *s, struct relay const *r, int64_t left_ms)
{
	struct stream *const in = s->stream;
	struct pollfd p[3] = {{.fd = in->in_fd, .events = POLLIN},
		{.fd = r->is_open ? r->stream.in_fd : -1, .events = POLLIN},
		{.fd = notify_fd(s), .events = POLLIN}};
	struct timespec const time = {
		.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
	sigset_t none;

	if (stream_pending(in) > 0 || deflate_pending())
		return 1;
	if (r->is_open && stream_pending(&r->stream) > 0)
		return 0;
	/* SIGTERM is let through only here. */
	sigemptyset(&none);
	if (ppoll(p, 3, &time, &none) < 0)
		return errno == EINTR ? 0 : -1;
	return p[0].revents != 0;
}

/* Pass on what is there already. */
static void
pass_responses(struct session *s, struct relay *r)
{
	struct pollfd p = {.fd = r->stream.in_fd, .events = POLLIN};

	while (r->is_open &&
		(stream_pending(&r->stream) > 0 || poll(&p, 1, 0) > 0)) {
		if (!relay_read(s, r, true))
			return;
		if (r->parsed.kind == RELAY_DONE) {
			/* It was not to end it. */
			relay_close(s, r);
			return;
		}
		if (!relay_hear(s, r, NULL, NULL))
			return;
	}
}

static bool
watch(struct session *s, struct relay *r)
{
	int64_t const end = stream_clock_ms() + (int64_t)s->stream->timeout_ms;

	while (s->stream->error == 0) {
		int64_t const left = end - stream_clock_ms();
		int k;

		if (left <= 0 ||
			(s->stream->stop != NULL && *s->stream->stop != 0))
			return true;
		k = wait_for(s, r, left);
		if (k != 0)
			return k > 0;
		pass_responses(s, r);
		notify_look(s);
		(void)stream_flush(s->stream);
	}
	return false;
}

/* Up to "+ idling". False: it is not to be had. */
static bool
begin(struct session *s, struct relay *r)
{
	relay_puts(r, RELAY_TAG " IDLE\r\n");
	do
		if (!relay_read(s, r, true) ||
			(r->parsed.kind != RELAY_MORE &&
				r->parsed.kind != RELAY_DONE &&
				!relay_hear(s, r, NULL, NULL)))
			return false;
	while (r->parsed.kind != RELAY_MORE && r->parsed.kind != RELAY_DONE);
	return r->parsed.kind == RELAY_MORE;
}

static void
finish(struct session *s, struct relay *r)
{
	struct lex_text word;
	char const *line;
	size_t len;
	bool crlf;

	if (stream_line(s->stream, 1000, &line, &len, &crlf) <= 0) {
		if (errno == ETIMEDOUT)
			session_puts(
				s, "* BYE [UNAVAILABLE] Idle for too long\r\n");
		else if (errno == ECANCELED)
			session_puts(
				s, "* BYE [UNAVAILABLE] Shutting down\r\n");
		session_reply(s, "BAD", "IDLE was not ended");
		s->ended = true;
		return;
	}
	word = (struct lex_text){line, len};
	if (lex_is(&word, "DONE"))
		session_reply(s, "OK", "IDLE completed");
	else
		session_reply(s, "BAD", "Expected DONE");
	if (!r->is_open)
		return;
	relay_puts(r, "DONE\r\n");
	(void)!relay_finish(s, r, NULL, NULL);
}

bool
shared_idle(struct session *s)
{
	struct relay *const r =
		lex_end(&s->command.lex) ? relay_selected(s) : s->remote;

	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return true;
	}
	if (r == NULL || !begin(s, r)) {
		relay_failed(s);
		return true;
	}
	session_puts(s, "+ idling\r\n");
	if (stream_flush(s->stream) && watch(s, r))
		finish(s, r);
	else
		s->ended = true;
	return true;
}
