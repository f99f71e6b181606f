/* An SMTP session with one host: see client.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/tls.h"
#include "remote/client.h"
#include "remote/login.h"
#include "remote/race.h"
#include "remote/text.h"

/* How long the answer to QUIT is waited for. */
#define WAIT_QUIT 2u
/* How much of what is no reply is told. */
#define JUNK_MAX 60u

void
client_init(struct client *c, char const *hello, unsigned patience)
{
	c->hangup_fd = -1;
	c->give_up_ms = INT64_MAX;
	c->usual_hello = c->hello = hello;
	c->login = NULL;
	c->is_tls_first = false;
	c->outgoing = (struct outgoing_choice){NULL, NULL};
	c->patience = patience;
	c->fd = c->ready_fd = -1;
	c->peer[0] = c->tls[0] = '\0';
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

void
client_limit(struct client *c, unsigned seconds)
{
	c->stream.timeout_ms = (int)least(seconds, c->patience) * 1000;
}

void
client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void
client_said(struct client const *c, struct reply const *reply,
	char text_r[CLIENT_TEXT_SIZE])
{
	text_join(text_r, CLIENT_TEXT_SIZE, c->peer, " said: ", reply->text,
		(char *)0);
}

static void
failed(struct client *c, char const *code, char const *what,
	char text_r[CLIENT_TEXT_SIZE])
{
	client_close(c);
	text_join(text_r, CLIENT_TEXT_SIZE, code, " ", c->peer, ": ", what,
		(char *)0);
}

static void
failed_errno(struct client *c, char const *code, int error,
	char text_r[CLIENT_TEXT_SIZE])
{
	char const *what = strerrordesc_np(error);

	if (error == ETIMEDOUT)
		what = "no answer in time";
	failed(c, code, what != NULL ? what : "unknown error", text_r);
}

static void
failed_junk(struct client *c, char text_r[CLIENT_TEXT_SIZE])
{
	struct stream const *s = &c->stream;
	size_t len = stream_pending(s);
	char junk[JUNK_MAX + 1];

	reply_clean(s->in + s->in_start, len, junk, JUNK_MAX);
	client_close(c);
	text_join(text_r, CLIENT_TEXT_SIZE, "4.5.0 ", c->peer,
		" answered what is no SMTP reply: ", junk, (char *)0);
}

/* As client_reply; ehlo_r, unless NULL, gets the announcements. */
static bool
read_reply(struct client *c, unsigned seconds, struct reply *reply_r,
	struct reply_ehlo *ehlo_r, char text_r[CLIENT_TEXT_SIZE])
{
	struct stream *s = &c->stream;
	int64_t deadline =
		stream_clock_ms() + (int64_t)least(seconds, c->patience) * 1000;
	size_t used;

	if (deadline > c->give_up_ms)
		deadline = c->give_up_ms;
	for (;;) {
		char const *in = s->in + s->in_start;
		int r = reply_parse(in, stream_pending(s), reply_r, &used);
		if (r > 0) {
			if (ehlo_r != NULL)
				reply_ehlo(in, used, ehlo_r);
			s->in_start += used;
			return true;
		}
		/* One deadline for all of a reply: it may come by drops. */
		int64_t left = deadline - stream_clock_ms();
		s->timeout_ms = left > 0 ? (int)left : 0;
		if (r == 0 && left > 0)
			r = stream_fill(s) > 0 ? 1 : 0;
		else if (r == 0)
			errno = ETIMEDOUT;
		if (r > 0)
			continue;
		if (r < 0 || errno == ENOBUFS)
			failed_junk(c, text_r);
		else if (s->at_end)
			failed(c, "4.4.2", "the connection was closed", text_r);
		else
			failed_errno(c, "4.4.2", errno, text_r);
		return false;
	}
}

bool
client_reply(struct client *c, unsigned seconds, struct reply *reply_r,
	char text_r[CLIENT_TEXT_SIZE])
{
	return read_reply(c, seconds, reply_r, NULL, text_r);
}

static void
name_peer(struct client *c, char const *host, struct mx_address const *a)
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->s, address,
		sizeof address);
	/* The name of a literal is its address already. */
	if (host[0] == '[')
		text_join(
			c->peer, sizeof c->peer, "[", address, "]", (char *)0);
	else
		text_join(c->peer, sizeof c->peer, host, "[", address, "]",
			(char *)0);
}

/* Wait for a connection that is being made; 0 or an errno. */
static int
connected(int fd, int hangup_fd, unsigned seconds)
{
	int64_t deadline = stream_clock_ms() + (int64_t)seconds * 1000;
	struct pollfd p[2] = {{.fd = fd, .events = POLLOUT}, {.fd = hangup_fd}};
	socklen_t len = sizeof(int);
	int error = 0;

	for (;;) {
		int64_t left = deadline - stream_clock_ms();
		int r = left > 0 ? poll(p, 2, (int)left) : 0;
		if (r == 0)
			return ETIMEDOUT;
		if (r > 0 && p[1].revents != 0)
			return ECANCELED;
		if (r > 0)
			break;
		if (errno != EINTR)
			return errno;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return errno;
	return error;
}

/* 0 or an errno. */
static int
make_connection(
	struct client *c, struct mx_address const *address, unsigned port)
{
	struct outgoing_line const *from =
		outgoing_for(&c->outgoing, address->len);
	int error = 0;

	c->hello = from != NULL ? from->name : c->usual_hello;
	c->fd = c->ready_fd;
	c->ready_fd = -1;
	if (c->fd < 0) {
		c->fd = race_connect(
			address, port, from != NULL ? &from->address : NULL);
		if (c->fd < 0)
			return errno;
		error = connected(c->fd, c->hangup_fd,
			least(CLIENT_WAIT_CONNECT, c->patience));
	}
	if (error == 0)
		stream_init(&c->stream, c->fd, c->fd, 0);
	c->stream.hangup_fd = c->hangup_fd;
	return error;
}

/* The status of a reply that should have been a 2xx and is not. */
static enum client_status
refused(struct client *c, struct reply const *reply,
	char text_r[CLIENT_TEXT_SIZE])
{
	client_said(c, reply, text_r);
	client_quit(c);
	return reply->code / 100 == 5 ? CLIENT_PERMANENT : CLIENT_TEMPORARY;
}

/* EHLO, or HELO with a host that knows no better (RFC 5321 3.2). */
static enum client_status
greet(struct client *c, char text_r[CLIENT_TEXT_SIZE])
{
	char name[sizeof c->ehlo.name];
	struct reply reply;

	stream_puts(&c->stream, "EHLO ");
	stream_puts(&c->stream, c->hello);
	stream_puts(&c->stream, "\r\n");
	if (!read_reply(c, CLIENT_WAIT_COMMAND, &reply, &c->ehlo, text_r))
		return CLIENT_TEMPORARY;
	if (reply.code / 100 == 5) {
		stream_puts(&c->stream, "HELO ");
		stream_puts(&c->stream, c->hello);
		stream_puts(&c->stream, "\r\n");
		if (!read_reply(
			    c, CLIENT_WAIT_COMMAND, &reply, &c->ehlo, text_r))
			return CLIENT_TEMPORARY;
		memcpy(name, c->ehlo.name, sizeof name);
		/* What its reply holds announces nothing. */
		c->ehlo = (struct reply_ehlo){0};
		memcpy(c->ehlo.name, name, sizeof name);
	}
	if (reply.code / 100 != 2)
		return refused(c, &reply, text_r);
	/* Whoever carries our name is ourselves, whatever address led here. */
	if (strcasecmp(c->ehlo.name, c->hello) == 0) {
		client_quit(c);
		failed(c, "4.4.6", "that host calls itself as this one does",
			text_r);
		return CLIENT_TEMPORARY;
	}
	return CLIENT_OK;
}

static bool
shake_hands(struct client *c)
{
	struct security *w = &c->security;
	bool ok;

	client_limit(c, CLIENT_WAIT_DATA);
	ok = w->judge == SECURITY_ANY
		     ? tls_client_start(&c->stream, w->sni, TLS_VERIFY_NONE)
		     : tls_client_start_judged(
			       &c->stream, w->sni, security_judge, w);
	/* What was shown proves nothing without the rest of the handshake. */
	w->is_verified = ok && w->is_verified;
	if (ok)
		text_join(c->tls, sizeof c->tls, tls_describe(&c->stream),
			(char *)0);
	else
		(void)security_fails(w, TLSRPT_VALIDATION_FAILURE, NULL);
	return ok;
}

/* The session ends since it is not what is demanded. */
static enum client_status
failed_security(
	struct client *c, char const *what, char text_r[CLIENT_TEXT_SIZE])
{
	struct security const *w = &c->security;

	client_close(c);
	text_join(text_r, CLIENT_TEXT_SIZE, "4.7.5 ", c->peer, ": ", what,
		w->why != NULL ? ": " : "", w->why != NULL ? w->why : "", " (",
		w->whose != NULL ? w->whose : "its port", ")", (char *)0);
	return CLIENT_TEMPORARY;
}

static enum client_status
failed_handshake(struct client *c, char text_r[CLIENT_TEXT_SIZE])
{
	return failed_security(c,
		c->security.why != NULL ? "its certificate is not accepted"
					: "the TLS handshake failed",
		text_r);
}

static enum client_status
open_plain(struct client *c, struct mx_address const *address, unsigned port,
	char text_r[CLIENT_TEXT_SIZE])
{
	int error = make_connection(c, address, port);
	struct reply reply;

	text_join(c->tls, sizeof c->tls, "none", (char *)0);
	if (error != 0) {
		failed_errno(c, "4.4.1", error, text_r);
		return CLIENT_TEMPORARY;
	}
	if (c->is_tls_first && !shake_hands(c))
		return failed_handshake(c, text_r);
	if (!client_reply(c, CLIENT_WAIT_GREETING, &reply, text_r))
		return CLIENT_TEMPORARY;
	if (reply.code / 100 != 2)
		return refused(c, &reply, text_r);
	return greet(c, text_r);
}

bool
client_is_alone(struct client const *c)
{
	struct pollfd p = {.fd = c->hangup_fd};

	return poll(&p, 1, 0) > 0;
}

/*
 * RFC 3207. 1 the session is encrypted; 0 it goes on in the clear, since the
 * host did not want after all; -1 it has failed: *retry_r says whether the
 * handshake is to blame, else text_r is set.
 */
static int
start_tls(struct client *c, bool *retry_r, char text_r[CLIENT_TEXT_SIZE])
{
	struct reply reply;

	*retry_r = false;
	stream_puts(&c->stream, "STARTTLS\r\n");
	if (!client_reply(c, CLIENT_WAIT_COMMAND, &reply, text_r))
		return -1;
	/* What came along in the clear must not be taken for replies under
	 * TLS. */
	if (stream_pending(&c->stream) > 0) {
		failed(c, "4.7.0", "octets behind the reply to STARTTLS",
			text_r);
		return -1;
	}
	if (reply.code / 100 != 2)
		return 0;
	*retry_r = !shake_hands(c);
	return *retry_r ? -1 : 1;
}

/* The host does not speak TLS. */
static enum client_status
without_tls(struct client *c, char const *why, char text_r[CLIENT_TEXT_SIZE])
{
	bool is_free = c->security.need != SECURITY_MUST;

	if (security_fails(&c->security, TLSRPT_STARTTLS_NOT_SUPPORTED, why) ||
		is_free)
		return CLIENT_OK;
	stream_puts(&c->stream, "QUIT\r\n");
	(void)stream_flush(&c->stream);
	return failed_security(c, "TLS is demanded", text_r);
}

static enum client_status
open_session(struct client *c, struct mx_address const *address, unsigned port,
	char text_r[CLIENT_TEXT_SIZE])
{
	enum client_status status = open_plain(c, address, port, text_r);
	bool retry;
	int r;

	if (status != CLIENT_OK || c->is_tls_first ||
		c->security.need == SECURITY_CLEAR)
		return status;
	if (!c->ehlo.starttls)
		return without_tls(c, "STARTTLS is not offered", text_r);
	r = start_tls(c, &retry, text_r);
	if (r > 0)
		return greet(c, text_r);
	if (r == 0)
		return without_tls(c, "STARTTLS was refused", text_r);
	client_close(c);
	if (!retry)
		return CLIENT_TEMPORARY;
	if (c->security.need == SECURITY_MUST && !c->security.is_lenient)
		return failed_handshake(c, text_r);
	return open_plain(c, address, port, text_r);
}

enum client_status
client_open(struct client *c, char const *host,
	struct mx_address const *address, unsigned port,
	char text_r[CLIENT_TEXT_SIZE])
{
	enum client_status status;

	name_peer(c, host, address);
	status = open_session(c, address, port, text_r);
	if (status != CLIENT_OK || c->login == NULL)
		return status;
	if (strcmp(c->tls, "none") == 0)
		return failed_security(
			c, "a password is not sent in the clear", text_r);
	return login_out(c, c->login, text_r);
}

void
client_unreachable(struct client *c, char const *host,
	struct mx_address const *address, int error,
	char text_r[CLIENT_TEXT_SIZE])
{
	name_peer(c, host, address);
	failed_errno(c, "4.4.1", error, text_r);
}

bool
client_alive(struct client *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	if (c->fd < 0)
		return false;
	/* Nobody asked: this is its farewell, or its end. */
	if (stream_pending(&c->stream) > 0 || c->stream.error != 0 ||
		poll(&p, 1, 0) != 0)
		client_close(c);
	return c->fd >= 0;
}

void
client_quit(struct client *c)
{
	char text[CLIENT_TEXT_SIZE];
	struct reply reply;

	if (c->fd < 0)
		return;
	/* Two seconds for good manners, whatever has ended meanwhile. */
	client_limit(c, WAIT_QUIT);
	c->give_up_ms = INT64_MAX;
	c->stream.hangup_fd = -1;
	stream_puts(&c->stream, "QUIT\r\n");
	if (!client_reply(c, WAIT_QUIT, &reply, text))
		return;
	stream_close(&c->stream);
	client_close(c);
}
