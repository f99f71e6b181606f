/* Sockets and the clock, for the load generators. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <errno.h>
#include <unistd.h>
#include "tests/bench/peer.h"

uint64_t
peer_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct sockaddr_in
address_of(char const *address, unsigned port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		peer_die("%s is no IPv4 address", address);
	return a;
}

int
peer_connect(char const *address, unsigned port)
{
	struct sockaddr_in a = address_of(address, port);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		peer_die("socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		peer_die("connect to %s port %u: %s", address, port,
			strerror(errno));
	return fd;
}

int
peer_listen(unsigned port)
{
	struct sockaddr_in a = address_of("127.0.0.1", port);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
		peer_die("socket: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
		listen(fd, SOMAXCONN) < 0)
		peer_die("listen on port %u: %s", port, strerror(errno));
	return fd;
}

unsigned
peer_number(char const *text, unsigned min, unsigned max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < min || n > max)
		peer_die("%s is no number from %u to %u", text, min, max);
	return (unsigned)n;
}

void
peer_user(char *s, size_t size, char const *pattern, unsigned n)
{
	char const *mark = strchr(pattern, '%');

	if (mark == NULL)
		snprintf(s, size, "%s", pattern);
	else
		snprintf(s, size, "%.*s%u%s", (int)(mark - pattern), pattern, n,
			mark + 1);
}

void
peer_die(char const *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}
