/*
 * proxied.h - clients behind a balancer or another server of ours
 */
#ifndef SMTP_PROXIED_H
#define SMTP_PROXIED_H

#include <stdbool.h>
#include "common/monitor/front.h"
#include "smtpd/proxy.h"
#include "smtpd/session.h"

/*
 * Read the PROXY header, where proxy-from names the peer: it must be there;
 * tell the monitor for whom it speaks. Nothing behind the header is read. 1
 * *proxy_r is filled; 0 the peer is none of those; -1 it did not come, or was
 * malformed (logged): the connection is to be closed; -2 it was fine, but the
 * client has too many connections already. proxy_r->is_own tells whether
 * there is an address.
 */
int smtp_proxied_read(struct front *front, struct smtp_proxy *proxy_r)
	__attribute__((warn_unused_result));

/* The same for a session on port 25, which takes over what it says. False: the
 * session is over. */
bool smtp_proxied_begin(struct smtp_session *s)
	__attribute__((warn_unused_result));

#endif
