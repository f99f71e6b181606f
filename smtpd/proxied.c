/* Clients behind a balancer or another server of ours. */
#include <string.h>
#include "common/log.h"
#include "common/netlist.h"
#include "common/settings.h"
#include "smtpd/proxied.h"

/* A balancer is quick. */
#define HEADER_TIMEOUT_MS 5000

int
smtp_proxied_read(struct front *front, struct smtp_proxy *proxy_r)
{
	struct stream *in = &front->stream;
	int timeout_ms = in->timeout_ms, r = 0;
	size_t used = 0;

	if (!netlist_holds(settings_text(&front->settings, "proxy-from"),
		    front->client))
		return 0;
	if (in->timeout_ms > HEADER_TIMEOUT_MS)
		in->timeout_ms = HEADER_TIMEOUT_MS;
	while (r == 0) {
		if (stream_pending(in) > 0)
			r = smtp_proxy_parse(in->in + in->in_start,
				stream_pending(in), proxy_r, &used);
		if (r == 0 && stream_fill(in) <= 0)
			r = -1;
	}
	in->timeout_ms = timeout_ms;
	if (r > 0)
		in->in_start += used;
	else
		log_event(
			"bad-proxy", NULL, "client", front->client, (char *)0);
	return r;
}

bool
smtp_proxied_begin(struct smtp_session *s)
{
	struct smtp_proxy proxy;
	int r = smtp_proxied_read(s->front, &proxy);

	if (r < 0) {
		s->is_over = true;
		s->reason = "bad-proxy";
		return false;
	}
	if (r > 0 && !proxy.is_own) {
		log_event("proxied", NULL, "peer", s->front->client, "client",
			proxy.address, (char *)0);
		smtp_session_set_client(s, proxy.address);
	}
	return true;
}
