/* The first of several addresses that answers: see race.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "common/stream.h"
#include "remote/race.h"

socklen_t
race_sockaddr(
	struct sockaddr_storage *to, struct mx_address const *a, unsigned port)
{
	struct sockaddr_in four = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	if (a->len == 4) {
		memcpy(&four.sin_addr, a->s, 4);
		memcpy(to, &four, sizeof four);
		return sizeof four;
	}
	memcpy(&six.sin6_addr, a->s, 16);
	memcpy(to, &six, sizeof six);
	return sizeof six;
}

void
race_mix(struct mx_address *addresses, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		size_t k = i;
		struct mx_address other;
		while (k < count && addresses[k].len == addresses[i - 1].len)
			k++;
		if (k == count)
			return;
		other = addresses[k];
		memmove(&addresses[i + 1], &addresses[i],
			(k - i) * sizeof other);
		addresses[i] = other;
	}
}

int
race_connect(struct mx_address const *address, unsigned port,
	struct mx_address const *from)
{
	/* The kernel gives a port when it knows where to. */
	static int const late = 1;
	struct sockaddr_storage to, our;
	socklen_t len = race_sockaddr(&to, address, port), our_len;
	int error, fd = socket(to.ss_family,
			   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (from != NULL) {
		our_len = race_sockaddr(&our, from, 0);
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late,
			sizeof late);
		if (bind(fd, (struct sockaddr const *)&our, our_len) < 0)
			goto fail;
	}
	if (connect(fd, (struct sockaddr const *)&to, len) == 0 ||
		errno == EINPROGRESS)
		return fd;
fail:
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void
begin(struct race_runner *r, unsigned port)
{
	r->fd = race_connect(r->address, port, r->from);
	if (r->fd < 0)
		r->error = errno;
}

static void
end(struct race_runner *r, int error)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	r->error = error;
}

/* What came of one that poll says is ready: true if it has won. */
static bool
has_won(struct race_runner *r)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0)
		end(r, error);
	return error == 0;
}

/* Wait for those under way. The winner, -1 none yet, -2 the caller is gone. */
static int
look(struct race_runner *runners, size_t begun, int wait_ms, int hangup_fd)
{
	struct pollfd p[MX_ADDRESSES_MAX + 1];

	for (size_t i = 0; i < begun; i++)
		p[i] = (struct pollfd){.fd = runners[i].fd, .events = POLLOUT};
	p[begun] = (struct pollfd){.fd = hangup_fd};
	if (poll(p, begun + 1, wait_ms) <= 0)
		return -1;
	if (p[begun].revents != 0)
		return -2;
	for (size_t i = 0; i < begun; i++)
		if (runners[i].fd >= 0 && p[i].revents != 0 &&
			has_won(&runners[i]))
			return (int)i;
	return -1;
}

static int
least(int64_t a, int64_t b)
{
	int64_t n = a < b ? a : b;

	return n > 0 ? (int)n : 0;
}

int
race_run(struct race_runner *runners, size_t count, unsigned port,
	int timeout_ms, int hangup_fd)
{
	int64_t started[MX_ADDRESSES_MAX], next = 0;
	size_t begun = 0;
	int winner = -1;

	for (size_t i = 0; i < count; i++)
		runners[i].fd = -1;
	while (winner == -1) {
		int64_t now = stream_clock_ms();
		int wait = timeout_ms;
		size_t running = 0;
		for (size_t i = 0; i < begun; i++) {
			int64_t left = started[i] + timeout_ms - now;
			if (runners[i].fd >= 0 && left <= 0)
				end(&runners[i], ETIMEDOUT);
			if (runners[i].fd < 0)
				continue;
			running++;
			wait = least(wait, left);
		}
		if (begun < count && (running == 0 || now >= next)) {
			begin(&runners[begun], port);
			if (runners[begun].error != 0)
				end(&runners[begun], runners[begun].error);
			started[begun++] = now;
			next = now + RACE_HEAD_START_MS;
			continue;
		}
		if (running == 0)
			break;
		if (begun < count)
			wait = least(wait, next - now);
		winner = look(runners, begun, wait, hangup_fd);
	}
	for (size_t i = 0; i < count; i++)
		if ((int)i != winner && runners[i].fd >= 0)
			end(&runners[i], 0);
	return winner == -2 ? -1 : winner;
}
