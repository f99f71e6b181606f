/* A client's address, and listening for clients. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/log.h"
#include "common/monitor/service.h"

#define BACKLOG 1024

static unsigned char const v4_mapped[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
is_v4(unsigned char const ip[16])
{
	return memcmp(ip, v4_mapped, sizeof v4_mapped) == 0;
}

void
client_set(struct client *c, char const ip[16])
{
	memcpy(c->ip, ip, sizeof c->ip);
	(void)inet_ntop(is_v4(c->ip) ? AF_INET : AF_INET6,
		c->ip + (is_v4(c->ip) ? 12 : 0), c->text, sizeof c->text);
}

bool
client_of(int fd, struct client *c_r)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	socklen_t len = sizeof a;
	char ip[16];

	memset(c_r, 0, sizeof *c_r);
	if (getpeername(fd, &a.any, &len) < 0 ||
		(a.any.sa_family != AF_INET && a.any.sa_family != AF_INET6))
		return false;
	memcpy(ip, v4_mapped, sizeof v4_mapped);
	memcpy(ip + 12, &a.v4.sin_addr, 4);
	if (a.any.sa_family == AF_INET6)
		memcpy(ip, &a.v6.sin6_addr, 16);
	/* Both have it in the same place. */
	c_r->port = ntohs(a.v4.sin_port);
	client_set(c_r, ip);
	return true;
}

bool
client_same(struct client const *a, struct client const *b)
{
	/* The v4-mapped ones lie in one network of 64 bits with ::1. */
	return memcmp(a->ip, b->ip, is_v4(a->ip) || is_v4(b->ip) ? 16 : 8) == 0;
}

bool
client_is_listed(
	struct table const *networks, char const *kind, struct client const *c)
{
	char const *range;
	size_t len;

	if (table_find(networks, kind, strlen(kind), &range, &len) <= 0)
		len = 0;
	for (; len >= 32; range += 32, len -= 32)
		if (memcmp(c->ip, range, 16) >= 0 &&
			memcmp(c->ip, range + 16, 16) <= 0)
			return true;
	return false;
}

static bool
listen_at(int fd, struct sockaddr const *a, socklen_t len)
{
	int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ==
		       0 &&
	       (a->sa_family != AF_INET6 ||
		       setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
			       sizeof one) == 0) &&
	       bind(fd, a, len) == 0 && listen(fd, BACKLOG) == 0;
}

bool
listen_on(struct table const *settings, char const *key, int *fds_r, size_t max,
	size_t *count)
{
	struct sockaddr_storage a;
	char const *s;
	size_t left, n;

	if (table_find(settings, key, strlen(key), &s, &left) <= 0)
		left = 0;
	for (; left > 0; s += 1 + n, left -= 1 + n) {
		n = (unsigned char)*s;
		if (n >= left || n > sizeof a || *count == max)
			return false;
		memcpy(&a, s + 1, n);
		fds_r[*count] = socket(a.ss_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (!listen_at(fds_r[(*count)++], (struct sockaddr *)&a,
			    (socklen_t)n)) {
			log_error(
				"no-listener", NULL, "setting", key, (char *)0);
			return false;
		}
	}
	return true;
}
