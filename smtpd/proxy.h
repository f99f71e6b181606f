/*
 * proxy.h - the PROXY protocol's header, versions 1 and 2
 *
 * What a balancer says in front of the client's own octets: for whom it speaks
 * (haproxy's proxy-protocol.txt). Pure functions: no i/o, no allocation.
 */
#ifndef SMTP_PROXY_H
#define SMTP_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a header that is read: of version 1 at most 107, of version 2 its
 * 16 and what stands behind them, options included. */
#define SMTP_PROXY_MAX 4096

struct smtp_proxy {
	bool is_own;	  /* the balancer itself (a health check), or unknown */
	char address[46]; /* as inet_ntop writes it; a v4-mapped one as v4 */
	uint16_t port;
};

/*
 * 1 parsed, *used_r octets of s[0..len) are it; 0 it is not all there yet;
 * -1 malformed, or for another kind of connection than TCP.
 */
int smtp_proxy_parse(char const *s, size_t len, struct smtp_proxy *proxy_r,
	size_t *used_r) __attribute__((warn_unused_result));

/* Put an address into normal form; false: it is none. `IPV6:` may stand in
 * front, as in XCLIENT. */
bool smtp_proxy_address(char const *s, size_t len, char address_r[46])
	__attribute__((warn_unused_result));

#endif
