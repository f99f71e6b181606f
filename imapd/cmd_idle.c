/* IDLE (RFC 2177): tell at once what happens in the mailbox. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "imapd/commands.h"
#include "imapd/deflate.h"
#include "imapd/notify.h"

/* Where the kernel does not tell of changes we look so often. */
#define POLL_MS 2000
/* The first is told at once, the rest of a burst of deliveries in one go. */
#define SETTLE_MS 20

/* 1 the client has sent something, 0 the mailbox may have changed or the time
 * is up, -1 */
static int
wait_for(struct session *s, int timeout_ms)
{
	struct stream *const in = s->stream;
	struct pollfd p[3] = {{.fd = in->in_fd, .events = POLLIN},
		{.fd = s->selected ? s->mailbox.watch.fd : -1,
			.events = POLLIN},
		{.fd = notify_fd(s), .events = POLLIN}};
	struct timespec const time = {.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000};
	sigset_t none;
	int r;

	if (stream_pending(in) > 0 || deflate_pending())
		return 1;
	/* SIGTERM is let through only here. */
	sigemptyset(&none);
	r = ppoll(p, 3, &time, &none);
	if (r < 0)
		return errno == EINTR ? 0 : -1;
	return p[0].revents != 0;
}

static void
look(struct session *s)
{
	static int64_t last_ms;
	struct timespec const moment = {.tv_nsec = SETTLE_MS * 1000000};

	if (!s->selected && notify_fd(s) < 0)
		return;
	if (stream_clock_ms() - last_ms < SETTLE_MS)
		nanosleep(&moment, NULL);
	last_ms = stream_clock_ms();
	session_sync(s, true);
	notify_look(s);
	(void)stream_flush(s->stream);
}

/* Until the client has said something or has been silent for too long. */
static bool
watch(struct session *s)
{
	bool const polling = s->selected && s->mailbox.watch.fd < 0;
	int64_t const end = stream_clock_ms() + (int64_t)s->stream->timeout_ms;

	while (!s->ended && s->stream->error == 0) {
		int64_t left = end - stream_clock_ms();
		int r;

		if (s->stream->stop != NULL && *s->stream->stop != 0)
			return true;
		if (left <= 0)
			return true;
		if (polling && left > POLL_MS)
			left = POLL_MS;
		r = wait_for(s, (int)left);
		if (r != 0)
			return r > 0;
		look(s);
	}
	return false;
}

void
cmd_idle(struct session *s)
{
	struct lex_text word;
	bool crlf;
	char const *line;
	size_t len;

	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	session_puts(s, "+ idling\r\n");
	session_sync(s, true);
	if (!stream_flush(s->stream) || !watch(s) ||
		stream_line(s->stream, 1000, &line, &len, &crlf) <= 0) {
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
}
