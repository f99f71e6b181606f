/*
 * smtp_load - send messages over many SMTP sessions at once
 *
 *	smtp_load [-cL] [-s sessions] [-m messages] [-l octets] [-u mailboxes]
 *		[-d domain] ADDRESS PORT
 *
 * The i-th message goes to m<i mod mailboxes>@domain. Commands are not
 * pipelined. Without -c each session sends one message after another, and
 * the clock starts when all have been greeted; with -c each message has its
 * own connection, at most `sessions` at once, connecting being part of what is
 * measured. With -L it speaks LMTP (RFC 2033). Prints one JSON object. Any refusal ends the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/bench/peer.h"

enum state { GREETING, EHLO, IDLE, MAIL, RCPT, DATA, TEXT, QUIT };

struct session {
	enum state state;
	int fd;
	unsigned message;
	uint64_t begun_ns;
	size_t in_len;
	size_t out_len, out_done;
	bool wants_write;
	char in[1024];
	char *out;
};

static struct {
	char const *address, *domain;
	unsigned port, sessions, messages, octets, mailboxes;
	bool one_each, lmtp;
	int epoll;
	unsigned begun, accepted, waiting, open, connections;
	uint64_t start_ns, end_ns;
	float *latency_ms;
	struct session *session;
} load = {.domain = "bench.test",
	.sessions = 1,
	.messages = 100,
	.octets = 4096,
	.mailboxes = 100};

static void
flush(struct session *s)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};

	while (s->out_done < s->out_len) {
		ssize_t n = send(s->fd, s->out + s->out_done,
			s->out_len - s->out_done, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			peer_die("send: %s", strerror(errno));
		s->out_done += (size_t)n;
	}
	if (s->wants_write != (s->out_done < s->out_len)) {
		s->wants_write = !s->wants_write;
		if (s->wants_write)
			e.events |= EPOLLOUT;
		epoll_ctl(load.epoll, EPOLL_CTL_MOD, s->fd, &e);
	}
}

static void say(struct session *s, enum state next, char const *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
say(struct session *s, enum state next, char const *format, ...)
{
	va_list args;

	va_start(args, format);
	s->out_len = (size_t)vsnprintf(s->out, 512, format, args);
	va_end(args);
	s->out_done = 0;
	s->state = next;
	flush(s);
}

static void
send_text(struct session *s)
{
	static char const filler[] =
		"The quick brown fox jumps over the lazy dog, again and again"
		".\r\n";
	size_t at, line = sizeof filler - 1;

	at = (size_t)snprintf(s->out, 512,
		"From: Bench <sender@sender.test>\r\n"
		"To: <m%u@%s>\r\n"
		"Subject: message %u\r\n"
		"Date: Thu, 05 Mar 2009 11:00:00 +1300\r\n"
		"Message-ID: <%u.%u@sender.test>\r\n"
		"\r\n",
		s->message % load.mailboxes, load.domain, s->message,
		s->message, (unsigned)getpid());
	while (at + line <= load.octets) {
		memcpy(s->out + at, filler, line);
		at += line;
	}
	memcpy(s->out + at, ".\r\n", 3);
	s->out_len = at + 3;
	s->out_done = 0;
	s->state = TEXT;
	flush(s);
}

static void
open_session(struct session *s)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};

	s->fd = peer_connect(load.address, load.port);
	if (fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0 ||
		epoll_ctl(load.epoll, EPOLL_CTL_ADD, s->fd, &e) < 0)
		peer_die("epoll: %s", strerror(errno));
	s->state = GREETING;
	s->in_len = 0;
	s->wants_write = false;
	load.open++;
	load.connections++;
}

static void
next_message(struct session *s)
{
	if (load.begun == load.messages) {
		say(s, QUIT, "QUIT\r\n");
		return;
	}
	s->message = load.begun++;
	s->begun_ns = peer_now_ns();
	say(s, MAIL, "MAIL FROM:<sender@sender.test>\r\n");
}

/* Wait for the others, so that all start at one time. */
static void
greeted(struct session *s)
{
	if (load.one_each) {
		uint64_t connected_ns = s->begun_ns;
		s->message = load.begun++;
		say(s, MAIL, "MAIL FROM:<sender@sender.test>\r\n");
		s->begun_ns = connected_ns;
		return;
	}
	s->state = IDLE;
	if (++load.waiting < load.sessions)
		return;
	load.start_ns = peer_now_ns();
	for (unsigned i = 0; i < load.sessions; i++)
		next_message(&load.session[i]);
}

static void
accepted(struct session *s)
{
	load.end_ns = peer_now_ns();
	load.latency_ms[load.accepted++] =
		(float)(load.end_ns - s->begun_ns) / 1e6f;
	if (load.one_each)
		say(s, QUIT, "QUIT\r\n");
	else
		next_message(s);
}

static void
reply(struct session *s, char const *line)
{
	char want = s->state == DATA ? '3' : '2';

	if (line[0] != want)
		peer_die("in state %d the server said: %s", s->state, line);
	switch (s->state) {
	case GREETING:
		say(s, EHLO, "%s bench.sender.test\r\n",
			load.lmtp ? "LHLO" : "EHLO");
		break;
	case EHLO:
		greeted(s);
		break;
	case MAIL:
		say(s, RCPT, "RCPT TO:<m%u@%s>\r\n",
			s->message % load.mailboxes, load.domain);
		break;
	case RCPT:
		say(s, DATA, "DATA\r\n");
		break;
	case DATA:
		send_text(s);
		break;
	case TEXT:
		accepted(s);
		break;
	case IDLE:
	case QUIT:
		break;
	}
}

static void
closed(struct session *s)
{
	if (s->state != QUIT)
		peer_die("the server closed in state %d", s->state);
	close(s->fd);
	load.open--;
	if (load.one_each && load.connections < load.messages) {
		s->begun_ns = peer_now_ns();
		open_session(s);
	}
}

static void
take_lines(struct session *s)
{
	char *line = s->in, *end = s->in + s->in_len, *lf;

	while ((lf = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		*lf = '\0';
		if (lf - line >= 4 && line[3] != '-')
			reply(s, line);
		line = lf + 1;
	}
	s->in_len = (size_t)(end - line);
	memmove(s->in, line, s->in_len);
}

static void
readable(struct session *s)
{
	ssize_t n;

	if (s->in_len == sizeof s->in)
		peer_die("a reply line is too long");
	n = recv(s->fd, s->in + s->in_len, sizeof s->in - s->in_len, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		closed(s);
		return;
	}
	s->in_len += (size_t)n;
	take_lines(s);
}

static int
by_size(void const *a, void const *b)
{
	float x = *(float const *)a, y = *(float const *)b;

	return (x > y) - (x < y);
}

static void
report(void)
{
	double seconds = (double)(load.end_ns - load.start_ns) / 1e9;
	unsigned n = load.accepted;

	qsort(load.latency_ms, n, sizeof *load.latency_ms, by_size);
	printf("{\"accepted\": %u, \"seconds\": %.6f, \"start_ns\": %llu, "
	       "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
		n, seconds, (unsigned long long)load.start_ns,
		(double)load.latency_ms[n / 2],
		(double)load.latency_ms[n - 1 - n / 100],
		(double)load.latency_ms[n - 1]);
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "cLs:m:l:u:d:")) != -1) {
		switch (c) {
		case 'c':
			load.one_each = true;
			break;
		case 'L':
			load.lmtp = true;
			break;
		case 's':
			load.sessions = peer_number(optarg, 1, 10000);
			break;
		case 'm':
			load.messages = peer_number(optarg, 1, 10000000);
			break;
		case 'l':
			load.octets = peer_number(optarg, 512, 100000000);
			break;
		case 'u':
			load.mailboxes = peer_number(optarg, 1, 1000000);
			break;
		case 'd':
			load.domain = optarg;
			break;
		default:
			exit(100);
		}
	}
	if (argc - optind != 2)
		peer_die("usage: smtp_load [-cL] [-s sessions] [-m messages] "
			 "[-l octets] [-u mailboxes] [-d domain] ADDRESS PORT");
	load.address = argv[optind];
	load.port = peer_number(argv[optind + 1], 1, 65535);
	if (load.sessions > load.messages)
		load.sessions = load.messages;
}

static void
begin(void)
{
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.session = calloc(load.sessions, sizeof *load.session);
	load.latency_ms = calloc(load.messages, sizeof *load.latency_ms);
	if (load.epoll < 0 || load.session == NULL || load.latency_ms == NULL)
		peer_die("out of memory");
	load.start_ns = peer_now_ns();
	for (unsigned i = 0; i < load.sessions; i++) {
		struct session *s = &load.session[i];
		s->out = malloc(load.octets + 512);
		if (s->out == NULL)
			peer_die("out of memory");
		s->begun_ns = peer_now_ns();
		open_session(s);
	}
}

int
main(int argc, char **argv)
{
	struct epoll_event events[64];

	options(argc, argv);
	begin();
	while (load.open > 0) {
		int n = epoll_wait(load.epoll, events, 64, 60000);
		if (n == 0)
			peer_die("nothing came for a minute");
		for (int i = 0; i < n; i++) {
			struct session *s = events[i].data.ptr;
			if ((events[i].events & EPOLLOUT) != 0)
				flush(s);
			if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
				readable(s);
		}
	}
	report();
	return 0;
}
