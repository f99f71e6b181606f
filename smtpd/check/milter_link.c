/* The connection to a milter. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "smtpd/check/milter_run.h"

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool
milter_broken(struct milter_session *s, char const *why)
{
	s->answer->outcome = MILTER_BROKEN;
	s->answer->why = why;
	s->is_over = true;
	return false;
}

static bool
wait_for(struct milter_session *s, short events)
{
	struct pollfd p = {.fd = s->fd, .events = events};

	for (;;) {
		int64_t left = s->deadline_ms - now_ms();
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (r > 0)
			return true;
		if (r == 0)
			errno = ETIMEDOUT;
		if (r == 0 || errno != EINTR)
			return milter_broken(s, "it did not answer in time");
	}
}

void
milter_renew(struct milter_session *s)
{
	s->deadline_ms = now_ms() + s->request->timeout_ms;
}

/* The address of `inet:ADDRESS:PORT` or `unix:PATH`; its length, or 0. */
static socklen_t
address(struct rules_text where, struct sockaddr_storage *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;
	struct sockaddr_un *path = (struct sockaddr_un *)a;
	char text[128];
	char *host = text + 5, *colon;
	uint16_t port;

	memset(a, 0, sizeof *a);
	if (where.len >= sizeof text || where.len < 6)
		return 0;
	memcpy(text, where.s, where.len);
	text[where.len] = '\0';
	if (text[0] == 'u') {
		if (where.len - 5 >= sizeof path->sun_path)
			return 0;
		path->sun_family = AF_UNIX;
		memcpy(path->sun_path, host, where.len - 5);
		return sizeof *path;
	}
	colon = strrchr(host, ':');
	if (colon == NULL || uint160_scan(colon + 1, &port) == 0)
		return 0;
	*colon = '\0';
	if (*host == '[') {
		host++;
		host[strcspn(host, "]")] = '\0';
	}
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof *v6;
}

bool
milter_connect(struct milter_session *s)
{
	struct sockaddr_storage a;
	socklen_t len = address(s->request->where, &a), size = sizeof(int);
	int error = 0;

	if (len == 0)
		return milter_broken(s, "its address is none");
	s->fd = socket(
		a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return milter_broken(s, "no socket");
	if (connect(s->fd, (struct sockaddr *)&a, len) == 0)
		return true;
	if (errno != EINPROGRESS)
		return milter_broken(s, "it can't be reached");
	if (!wait_for(s, POLLOUT))
		return false;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ||
		error != 0) {
		errno = error;
		return milter_broken(s, "it can't be reached");
	}
	return true;
}

bool
milter_flush(struct milter_session *s)
{
	size_t at = 0;

	milter_renew(s);
	while (at < s->out.len) {
		ssize_t n = send(
			s->fd, s->out.s + at, s->out.len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return milter_broken(s, "it closed the connection");
		if (n > 0)
			at += (size_t)n;
		else if (!wait_for(s, POLLOUT))
			return false;
	}
	s->out.len = 0;
	return true;
}

static bool
read_exactly(struct milter_session *s, char *out, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = recv(s->fd, out + at, len - at, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return milter_broken(s, "it closed the connection");
		if (n > 0)
			at += (size_t)n;
		else if (!wait_for(s, POLLIN))
			return false;
	}
	return true;
}

bool
milter_read(struct milter_session *s, struct milterwire_packet *p)
{
	unsigned char head[MILTERWIRE_LENGTH];
	char raw[MILTERWIRE_LENGTH];
	size_t len;

	milter_renew(s);
	if (!read_exactly(s, raw, sizeof raw))
		return false;
	memcpy(head, raw, sizeof head);
	len = milterwire_length(head);
	if (len == 0)
		return milter_broken(s, "it sent a packet that is too long");
	if (!stralloc_ready(&s->in, len))
		return milter_broken(s, "out of memory");
	s->in.len = len;
	if (!read_exactly(s, s->in.s, len))
		return false;
	if (!milterwire_parse(s->in.s, len, p))
		return milter_broken(s, "it sent what is no packet");
	return true;
}
