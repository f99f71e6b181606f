/*
 * smtp_sink - accept every message, count it, forget it
 *
 *	smtp_sink PORT FILE
 *
 * Listens on 127.0.0.1. The count of messages and the time of the last one (two
 * u64 in the machine's order; CLOCK_MONOTONIC, ns) stand in the mapped FILE,
 * where the reader costs nothing. Says "ready" once it listens.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/bench/peer.h"

struct count {
	uint64_t messages, last_ns;
};

struct client {
	int fd;
	bool in_text, leaves;
	size_t len;
	char in[65536];
};

static struct count volatile *count;

static void
answer(struct client *c, char const *text)
{
	if (send(c->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		c->leaves = true;
}

/* See what stands in[0..len): the octets that are used up. */
static size_t
take_text(struct client *c)
{
	char *end = memmem(c->in, c->len, "\r\n.\r\n", 5);

	if (end == NULL)
		return c->len > 4 ? c->len - 4 : 0;
	c->in_text = false;
	count->last_ns = peer_now_ns();
	count->messages++;
	answer(c, "250 2.0.0 counted\r\n");
	return (size_t)(end - c->in) + 5;
}

static size_t
take_command(struct client *c)
{
	char *lf = memchr(c->in, '\n', c->len);

	if (lf == NULL)
		return 0;
	if (c->len >= 4 && strncasecmp(c->in, "EHLO", 4) == 0) {
		answer(c, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
			  "250-ENHANCEDSTATUSCODES\r\n250 SIZE\r\n");
	} else if (c->len >= 4 && strncasecmp(c->in, "DATA", 4) == 0) {
		answer(c, "354 go on\r\n");
		c->in_text = true;
		/* The text may be empty: its end counts this line end too. */
		return (size_t)(lf - c->in) - 1;
	} else if (c->len >= 4 && strncasecmp(c->in, "QUIT", 4) == 0) {
		answer(c, "221 2.0.0 bye\r\n");
		c->leaves = true;
	} else {
		answer(c, "250 2.0.0 ok\r\n");
	}
	return (size_t)(lf - c->in) + 1;
}

static void
readable(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->len, sizeof c->in - c->len, 0);
	size_t used;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		c->leaves = true;
		return;
	}
	c->len += (size_t)n;
	do {
		used = c->in_text ? take_text(c) : take_command(c);
		c->len -= used;
		memmove(c->in, c->in + used, c->len);
	} while (used > 0 && c->len > 0 && !c->leaves);
}

static void
accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
			SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct client *c = calloc(1, sizeof *c);
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
		int one = 1;
		/* Else its second answer to a pipelined group waits for the
		 * client's delayed acknowledgement: 40 ms a message. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (c == NULL || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
			peer_die("out of memory");
		c->fd = fd;
		answer(c, "220 sink.test ESMTP\r\n");
	}
}

static void
map_count(char const *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof *count) < 0)
		peer_die("%s: %s", path, strerror(errno));
	count = mmap(
		NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (count == MAP_FAILED)
		peer_die("mmap: %s", strerror(errno));
}

int
main(int argc, char **argv)
{
	struct epoll_event events[64], e = {.events = EPOLLIN};
	int listener, epoll = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 3)
		peer_die("usage: smtp_sink PORT FILE");
	map_count(argv[2]);
	listener = peer_listen(peer_number(argv[1], 1, 65535));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) < 0)
		peer_die("epoll: %s", strerror(errno));
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;
			if (c == NULL) {
				accept_all(epoll, listener);
				continue;
			}
			readable(c);
			if (c->leaves) {
				close(c->fd);
				free(c);
			}
		}
	}
}
