/* A client's address, and listening for clients. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <skalibs/types.h>
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

bool
client_of(int fd, struct client *c_r)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	socklen_t len = sizeof a;

	memset(c_r, 0, sizeof *c_r);
	if (getpeername(fd, &a.any, &len) < 0)
		return false;
	if (a.any.sa_family == AF_INET) {
		memcpy(c_r->ip, v4_mapped, sizeof v4_mapped);
		memcpy(c_r->ip + 12, &a.v4.sin_addr, 4);
		c_r->port = ntohs(a.v4.sin_port);
	} else if (a.any.sa_family == AF_INET6) {
		memcpy(c_r->ip, &a.v6.sin6_addr, 16);
		c_r->port = ntohs(a.v6.sin6_port);
	} else {
		errno = EAFNOSUPPORT;
		return false;
	}
	return is_v4(c_r->ip) ? inet_ntop(AF_INET, c_r->ip + 12, c_r->text,
					sizeof c_r->text) != NULL
			      : inet_ntop(AF_INET6, c_r->ip, c_r->text,
					sizeof c_r->text) != NULL;
}

bool
client_same(struct client const *a, struct client const *b)
{
	/* The v4-mapped ones lie in one network of 64 bits with ::1. */
	return memcmp(a->ip, b->ip, is_v4(a->ip) || is_v4(b->ip) ? 16 : 8) == 0;
}

bool
client_is_listed(struct table const *networks, struct client const *c)
{
	bool v4 = is_v4(c->ip);
	unsigned char ip[16];
	size_t len = v4 ? 4 : 16;
	char const *value;
	size_t value_len;

	memcpy(ip, c->ip + 16 - len, len);
	/* From the longest prefix to the shortest, a bit cleared each time. */
	for (size_t bits = len * 8 + 1; bits-- > 0;) {
		char key[2 + UINT64_FMT + 1 + 16] = {v4 ? '4' : '6', '/'};
		size_t n = 2;
		if (bits < len * 8)
			ip[bits / 8] &= (unsigned char)(0xff00 >> bits % 8);
		n += uint64_fmt(key + n, bits);
		key[n++] = '/';
		memcpy(key + n, ip, len);
		if (table_find(networks, key, n + len, &value, &value_len) > 0)
			return true;
	}
	return false;
}

/* "192.0.2.1:25" or "[2001:db8::1]:25", n octets. */
static socklen_t
parse_listener(char const *s, size_t n, struct sockaddr_storage *a_r)
{
	struct sockaddr_in *v4 = (void *)a_r;
	struct sockaddr_in6 *v6 = (void *)a_r;
	char host[INET6_ADDRSTRLEN] = "";
	char const *colon = memrchr(s, ':', n);
	size_t host_len = colon == NULL ? 0 : (size_t)(colon - s);
	bool bracket = host_len > 2 && s[0] == '[' && s[host_len - 1] == ']';
	uint16_t port;

	memset(a_r, 0, sizeof *a_r);
	if (host_len == 0 || uint16_scan(colon + 1, &port) != n - host_len - 1)
		return 0;
	if (bracket) {
		s++;
		host_len -= 2;
	}
	if (host_len >= sizeof host)
		return 0;
	memcpy(host, s, host_len);
	if (bracket && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return sizeof *v6;
	}
	if (!bracket && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof *v4;
	}
	return 0;
}

static int
open_listener(char const *s, size_t n)
{
	struct sockaddr_storage a;
	socklen_t len = parse_listener(s, n, &a);
	int one = 1, fd;

	errno = EINVAL;
	if (len == 0)
		return -1;
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
		(a.ss_family != AF_INET6 ||
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
				sizeof one) == 0) &&
		bind(fd, (struct sockaddr *)&a, len) == 0 &&
		listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

bool
listen_on(char const *addresses, int *fds_r, size_t max, size_t *count)
{
	size_t n;

	for (char const *s = addresses; s != NULL && *s != '\0'; s += n) {
		s += strspn(s, " ");
		n = strcspn(s, " ");
		if (n == 0)
			break;
		int fd = *count < max ? open_listener(s, n) : -1;
		if (fd < 0) {
			log_error("no-listener", NULL, "address", s, (char *)0);
			return false;
		}
		fds_r[(*count)++] = fd;
	}
	return true;
}
