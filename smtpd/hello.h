/*
 * hello.h - the answer to EHLO (RFC 5321 4.1.1.1)
 */
#ifndef SMTP_HELLO_H
#define SMTP_HELLO_H

#include <stdbool.h>
#include <stdint.h>
#include "common/monitor/front.h"

/* What the answer announces besides what we always do. */
struct smtp_hello {
	char const *helo; /* the client's name */
	uint64_t size_max;
	uint64_t recipients_max;
	uint64_t hold_max; /* seconds; 0: no FUTURERELEASE */
	uint64_t now;	   /* seconds since 1970, for the latest date */
	bool has_starttls;
	bool has_auth;
	bool is_login; /* what only users get */
	bool is_tls;
	bool has_xclient;
};

void smtp_hello_send(struct front *front, struct smtp_hello const *h);

#endif
