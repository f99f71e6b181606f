/*
 * race.h - the first of several addresses that answers (RFC 8305, in spirit)
 *
 * A host with IPv6 and IPv4 addresses of which one kind leads nowhere must not
 * cost half a minute: when an attempt has had a head start, the next begins
 * beside it, and the first connection wins.
 */
#ifndef RACE_H
#define RACE_H

#include <sys/socket.h>
#include "remote/mx.h"

/* How long an attempt is alone (RFC 8305 8). */
#define RACE_HEAD_START_MS 250

struct race_runner {
	struct mx_address const *address;
	struct mx_address const *from; /* ours, of its family; NULL: any */
	int error; /* 0: not begun, or still under way; else it has failed */
	int fd;
};

/*
 * Connect to the runners[0..count) in their order, count at most
 * MX_ADDRESSES_MAX, each for at most timeout_ms, or until hangup_fd (or -1)
 * hangs up. Returns the winner, whose fd is the caller's and non-blocking; or
 * -1: all have failed, each with its error. Others are closed.
 */
int race_run(struct race_runner *runners, size_t count, unsigned port,
	int timeout_ms, int hangup_fd);

/* Alternate between the families, beginning with the first's. */
void race_mix(struct mx_address *addresses, size_t count);

/* A socket that is being connected to an address, from one of ours (or NULL).
 * -1: errno. */
int race_connect(struct mx_address const *to, unsigned port,
	struct mx_address const *from);

socklen_t race_sockaddr(struct sockaddr_storage *to_r,
	struct mx_address const *address, unsigned port);

#endif
