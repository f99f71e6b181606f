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
#include "common/table.h"
#include "common/monitor/request.h"

/* What each has as options: -t TABLES, -d FD, -l FD. */
struct role_options {
	char const *tables;
	unsigned ready_fd; /* 0: nobody wants to know */
	unsigned lock_fd;  /* a lock that is held open: its children, which
			    * may outlive it, close it; 0: none */
};

/* False: wrong usage, which is told. */
bool role_options(struct role_options *o, int argc, char const *const *argv);

/* Open the settings, and enter the folder of this name in the host's state:
 * what is the role's own stands there. False: errno. */
bool role_enter(char const *tables, char const *name, struct table *settings)
	__attribute__((warn_unused_result));

/* Tell that monitors can call. */
void role_ready(struct role_options const *o);

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
