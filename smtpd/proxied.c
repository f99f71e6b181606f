/* Clients behind a balancer or another server of ours. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/log.h"
#include "common/netlist.h"
#include "common/settings.h"
#include "smtpd/proxied.h"

/* A balancer is quick. */
#define HEADER_TIMEOUT_MS 5000

/* Eat n octets of the socket, which are there. */
static bool
eat(int fd, char *s, size_t n)
{
	return n == 0 || read(fd, s, n) == (ssize_t)n;
}

/* What stands behind the header may be a handshake, for which nothing must have
 * been read: so it is looked at first, and no more is taken than it has. */
static int
read_header(struct stream *in, struct smtp_proxy *proxy_r)
{
	int64_t deadline = stream_clock_ms() + HEADER_TIMEOUT_MS;
	char s[SMTP_PROXY_MAX];
	size_t have = 0, used;
	int r = 0;

	while (r == 0) {
		ssize_t n =
			recv(in->in_fd, s + have, sizeof s - have, MSG_PEEK);

		if (n < 0 && errno == EAGAIN) {
			if (!stream_wait(in, POLLIN, deadline))
				return -1;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		r = smtp_proxy_parse(s, have + (size_t)n, proxy_r, &used);
		if (r == 0)
			used = have + (size_t)n;
		if (r < 0 || !eat(in->in_fd, s + have, used - have))
			return -1;
		have = used;
	}
	return 1;
}

int
smtp_proxied_read(struct front *front, struct smtp_proxy *proxy_r)
{
	proxy_r->is_own = true;
	if (!netlist_holds(settings_text(&front->settings, "proxy-from"),
		    front->client))
		return 0;
	if (read_header(&front->stream, proxy_r) < 0) {
		log_event(
			"bad-proxy", NULL, "client", front->client, (char *)0);
		return -1;
	}
	if (proxy_r->is_own)
		return 1;
	log_event("proxied", NULL, "peer", front->client, "client",
		proxy_r->address, (char *)0);
	return front_tell_peer(proxy_r->address) ? 1 : -2;
}

bool
smtp_proxied_begin(struct smtp_session *s)
{
	struct smtp_proxy proxy;
	int r = smtp_proxied_read(s->front, &proxy);

	if (!proxy.is_own && r != -1)
		smtp_session_set_client(s, proxy.address);
	if (r == -1) {
		s->is_over = true;
		s->reason = "bad-proxy";
	} else if (r == -2) {
		if (!s->front->implicit_tls)
			smtp_session_end(s, SMTP_R_TOO_MANY, "too-many");
		s->is_over = true;
		s->reason = "too-many";
	}
	return r >= 0;
}
