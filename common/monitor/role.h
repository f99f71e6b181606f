/*
 * role.h - the side of a service that monitors call: auth, check, policy
 *
 * It has a SOCK_SEQPACKET socket in a folder of its own. A monitor connects
 * (control), and hands over a session for each of its clients that needs one:
 * a pair, whose other end a front or smtpd has, and a table.
 */
#ifndef ROLE_H
#define ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/monitor/request.h"

/* Listen at path; what was there of an earlier life is replaced. Not blocking.
 * -1: errno. */
int role_listen(char const *path);

/* Take a monitor's call: root's, or our own uid's (tests). A descriptor, not
 * blocking; -1: errno, EAGAIN if there is none. */
int role_accept(int listener);

struct role_call {
	struct role_session session; /* points into frame */
	int pair, table;	     /* the caller's; pair is not blocking */
	char frame[REQUEST_FRAME_MAX];
};

/* Take a session. 1; 0: that monitor is gone, or does not keep to the form:
 * close control; -1: none there. */
int role_take(int control, struct role_call *call_r)
	__attribute__((warn_unused_result));

#endif
