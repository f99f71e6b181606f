/* Lines and blocks to and from one peer. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/stream.h"

static bool
prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL), one = 1;
	struct stat st;

	/* Fails on what is not TCP, and need not succeed there. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))
		return false;
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return true;
}

void
stream_init(struct stream *s, int in_fd, int out_fd, int timeout_ms)
{
	/* The buffers are left alone: their pages need not exist yet. */
	memset(s, 0, offsetof(struct stream, in));
	s->in_fd = in_fd;
	s->out_fd = out_fd;
	s->hangup_fd = -1;
	s->timeout_ms = timeout_ms;
	s->is_terminal = !prepare(in_fd);
	if (out_fd != in_fd)
		(void)prepare(out_fd);
	(void)signal(SIGPIPE, SIG_IGN);
}

int64_t
stream_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
stopped(struct stream const *s, short events)
{
	return events == POLLIN && s->stop != NULL && *s->stop != 0;
}

bool
stream_wait(struct stream *s, short events, int64_t deadline_ms)
{
	struct pollfd p[3] = {{.fd = -1}, {.fd = -1}, {.fd = s->hangup_fd}};
	sigset_t none;

	sigemptyset(&none);
	if (events & POLLIN)
		p[0] = (struct pollfd){.fd = s->in_fd, .events = POLLIN};
	if (events & POLLOUT)
		p[1] = (struct pollfd){.fd = s->out_fd, .events = POLLOUT};
	for (;;) {
		int64_t left = deadline_ms - stream_clock_ms();
		int r;

		if (stopped(s, events)) {
			errno = ECANCELED;
			return false;
		}
		if (left < 0)
			left = 0;
		struct timespec t = {.tv_sec = left / 1000,
			.tv_nsec = left % 1000 * 1000000};
		r = ppoll(p, 3, &t, s->stop != NULL ? &none : NULL);
		if (r > 0 && p[2].revents != 0) {
			errno = ECANCELED;
			return false;
		}
		if (r > 0)
			return true;
		if (r == 0) {
			errno = ETIMEDOUT;
			return false;
		}
		if (errno != EINTR)
			return false;
	}
}

static bool
fail(struct stream *s, int error)
{
	if (s->error == 0)
		s->error = error;
	errno = s->error;
	return false;
}

static ssize_t
read_some(struct stream *s, char *data, size_t max, short *events_r)
{
	ssize_t r;

	*events_r = POLLIN;
	if (s->layer != NULL)
		return s->layer->read(s, data, max, events_r);
	do
		r = read(s->in_fd, data, max);
	while (r < 0 && errno == EINTR);
	return r;
}

static ssize_t
write_some(struct stream *s, char const *data, size_t len, short *events_r)
{
	ssize_t r;

	*events_r = POLLOUT;
	if (s->layer != NULL)
		return s->layer->write(s, data, len, events_r);
	do
		r = write(s->out_fd, data, len);
	while (r < 0 && errno == EINTR);
	return r;
}

/* Each piece that the peer takes renews the time limit. */
static bool
send_all(struct stream *s, char const *data, size_t len)
{
	short events;

	if (s->error != 0)
		return fail(s, s->error);
	while (len > 0) {
		ssize_t r = write_some(s, data, len, &events);
		if (r >= 0) {
			data += r;
			len -= (size_t)r;
		} else if (errno != EAGAIN ||
			   !stream_wait(s, events,
				   stream_clock_ms() + s->timeout_ms)) {
			return fail(s, errno);
		}
	}
	while (s->layer != NULL && !s->layer->flush(s, &events))
		if (errno != EAGAIN ||
			!stream_wait(
				s, events, stream_clock_ms() + s->timeout_ms))
			return fail(s, errno);
	return true;
}

bool
stream_flush(struct stream *s)
{
	size_t len = s->out_len;

	s->out_len = 0;
	return send_all(s, s->out, len);
}

bool
stream_write(struct stream *s, char const *data, size_t len)
{
	if (s->error != 0)
		return fail(s, s->error);
	while (len > 0) {
		size_t n = sizeof s->out - s->out_len;

		if (s->out_len == 0 && len >= sizeof s->out)
			return send_all(s, data, len);
		if (n > len)
			n = len;
		memcpy(s->out + s->out_len, data, n);
		s->out_len += n;
		data += n;
		len -= n;
		if (s->out_len == sizeof s->out && !stream_flush(s))
			return false;
	}
	return true;
}

bool
stream_puts(struct stream *s, char const *text)
{
	return stream_write(s, text, strlen(text));
}

size_t
stream_pending(struct stream const *s)
{
	return s->in_end - s->in_start;
}

/* What is answered is held back as long as more input is there already, so
 * that pipelined commands get their answers in one packet (RFC 2920 3.2). */
static int
fill_until(struct stream *s, int64_t deadline_ms)
{
	short events = POLLIN;

	if (s->in_start > 0) {
		memmove(s->in, s->in + s->in_start, stream_pending(s));
		s->in_end -= s->in_start;
		s->in_start = 0;
	}
	if (s->in_end == sizeof s->in) {
		errno = ENOBUFS;
		return -1;
	}
	for (bool may_read = !s->is_terminal;; may_read = true) {
		if (s->error != 0) {
			errno = s->error;
			return -1;
		}
		if (s->at_end)
			return 0;
		if (may_read && !stopped(s, POLLIN)) {
			ssize_t r = read_some(s, s->in + s->in_end,
				sizeof s->in - s->in_end, &events);
			if (r > 0) {
				s->in_end += (size_t)r;
				return 1;
			}
			if (r == 0) {
				s->at_end = true;
				return 0;
			}
			if (errno != EAGAIN) {
				(void)fail(s, errno);
				return -1;
			}
		}
		if (s->out_len > 0 && !stream_flush(s))
			return -1;
		if (!stream_wait(s, events, deadline_ms)) {
			if (errno != ETIMEDOUT && errno != ECANCELED)
				(void)fail(s, errno);
			return -1;
		}
	}
}

int
stream_fill(struct stream *s)
{
	return fill_until(s, stream_clock_ms() + s->timeout_ms);
}

int
stream_line(struct stream *s, size_t max, char const **line_r, size_t *len_r,
	bool *crlf_r)
{
	int64_t deadline = stream_clock_ms() + s->timeout_ms;
	size_t seen = 0;

	for (;;) {
		char const *start = s->in + s->in_start;
		size_t have = stream_pending(s);
		char const *lf = memchr(start + seen, '\n', have - seen);
		int r;

		if (lf != NULL) {
			size_t len = (size_t)(lf - start);
			bool crlf = len > 0 && start[len - 1] == '\r';

			if (len - crlf > max)
				break;
			*line_r = start;
			*len_r = len - crlf;
			if (crlf_r != NULL)
				*crlf_r = crlf;
			s->in_start += len + 1;
			return 1;
		}
		/* One octet more may be the CR of its end. */
		if (have > max + 1)
			break;
		seen = have;
		r = fill_until(s, deadline);
		if (r < 0 && errno == ENOBUFS)
			break;
		if (r <= 0)
			return r;
	}
	errno = E2BIG;
	return -1;
}

int
stream_skip_line(struct stream *s)
{
	int64_t deadline = stream_clock_ms() + s->timeout_ms;

	for (;;) {
		char const *start = s->in + s->in_start;
		char const *lf = memchr(start, '\n', stream_pending(s));
		int r;

		if (lf != NULL) {
			s->in_start += (size_t)(lf - start) + 1;
			return 1;
		}
		s->in_start = s->in_end = 0;
		r = fill_until(s, deadline);
		if (r <= 0)
			return r;
	}
}

void
stream_close(struct stream *s)
{
	int64_t deadline;
	char junk[1024];

	/* What the peer does not take by then it is not given. */
	if (s->timeout_ms > STREAM_LINGER_MS)
		s->timeout_ms = STREAM_LINGER_MS;
	(void)stream_flush(s);
	s->stop = NULL;
	deadline = stream_clock_ms() + STREAM_LINGER_MS;
	if (s->layer != NULL)
		s->layer->close(s);
	if (shutdown(s->out_fd, SHUT_WR) < 0)
		return;
	for (;;) {
		ssize_t r = read(s->in_fd, junk, sizeof junk);

		if (r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR))
			return;
		/* Who goes on sending is not waited for longer. */
		if (stream_clock_ms() >= deadline ||
			(r < 0 && !stream_wait(s, POLLIN, deadline)))
			return;
	}
}
