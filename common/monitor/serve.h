/*
 * serve.h - the monitor's sessions
 *
 * One loop over signals, listeners, auth and the pairs to the fronts. For the
 * monitor alone: its state is the process's.
 */
#ifndef SERVE_H
#define SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/monitor/service.h"

#define SERVE_LISTENERS_MAX 16

/* Where listener i of which clear have no TLS from the start lies while one
 * monitor gives way to the next: above all that is open at a start. */
#define SERVE_KEPT_FD 64
static inline int
serve_kept(size_t i, size_t clear)
{
	return SERVE_KEPT_FD + (int)i + (i < clear ? 0 : SERVE_LISTENERS_MAX);
}

/*
 * Get ready for max sessions at once on count listening sockets, the first
 * clear of them without TLS from the start (none: the one client of
 * serve_one). house stays the caller's and must stay. Before the sandbox.
 * False: errno.
 */
bool serve_prepare(struct house *house, size_t max, int const *listeners,
	size_t clear, size_t count) __attribute__((warn_unused_result));

/* Start the front of the one client, on a socket that is open already. */
void serve_one(struct client const *client, int socket_fd, bool implicit_tls);

/* Until told to stop and all clients are gone; or, for one, until it is. On
 * SIGHUP house->argv is executed, and finds the listeners where serve_kept
 * says; clients that are there already stay with a child. */
void serve_loop(void);

#endif
