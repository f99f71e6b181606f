/* A delivery's connection to sts: see stslink.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/stream.h"
#include "common/wire.h"
#include "remote/stslink.h"

void
stslink_open(struct stslink *l, char const *state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/sts/socket",
		state != NULL ? state : "");

	l->fd = -1;
	if (state == NULL || n < 0 || (size_t)n >= sizeof a.sun_path)
		return;
	l->fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd >= 0 && connect(l->fd, (struct sockaddr *)&a, sizeof a) == 0)
		return;
	log_error("no-sts", NULL, (char *)0);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void
lose(struct stslink *l, char const *why)
{
	log_event("lost-sts", NULL, "why", why, (char *)0);
	close(l->fd);
	l->fd = -1;
}

static bool
wait_for(struct stslink *l, int hangup_fd, int64_t deadline)
{
	struct pollfd p[2] = {
		{.fd = l->fd, .events = POLLIN}, {.fd = hangup_fd}};

	for (;;) {
		int64_t left = deadline - stream_clock_ms();
		int r = left > 0 ? poll(p, 2, (int)left) : 0;
		if (r < 0 && errno == EINTR)
			continue;
		return r > 0 && p[1].revents == 0;
	}
}

bool
stslink_ask(struct stslink *l, char const *domain, int hangup_fd,
	struct stspolicy *policy_r)
{
	static char frame[WIRE_FRAME_MAX];
	size_t len = stswire_ask_encode(frame, sizeof frame, domain);
	ssize_t n;
	int r;

	if (l->fd < 0 || len == 0)
		return false;
	if (!pair_send(l->fd, frame, len, NULL, 0)) {
		lose(l, "it takes no question");
		return false;
	}
	/* A late answer must not be taken for that to another question. */
	if (!wait_for(l, hangup_fd, stream_clock_ms() + STSLINK_WAIT_MS)) {
		lose(l, "no answer in time");
		return false;
	}
	n = pair_receive(l->fd, frame, sizeof frame, NULL, 0, NULL);
	r = n > 0 ? stswire_answer_decode(frame, (size_t)n, policy_r) : -1;
	if (r < 0)
		lose(l, n > 0 ? "a malformed answer" : "it has gone");
	return r > 0;
}

void
stslink_report(struct stslink *l, struct stswire_report const *r)
{
	char frame[STSWIRE_QUESTION_MAX];
	size_t len = stswire_report_encode(frame, sizeof frame, r);

	if (l->fd >= 0 && len > 0 && !pair_send(l->fd, frame, len, NULL, 0) &&
		errno != EAGAIN)
		lose(l, "it takes no report");
}
