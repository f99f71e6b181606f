/*
 * pair.h - connected SOCK_SEQPACKET sockets between our own processes
 *
 * A pair lives as long as both its ends: when one side dies, the pair dies with
 * it and is never used again, so that a restarted end can't take an answer
 * meant for its predecessor. Every descriptor is close-on-exec.
 */
#ifndef PAIR_H
#define PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Descriptors that one frame may carry. */
#define PAIR_FDS_MAX 6

/* Make a pair; nonblock applies to ends[0] alone. errno on failure. */
bool pair_make(int ends_r[2], bool nonblock)
	__attribute__((warn_unused_result));

/* The other end has been given away, or (ok false) the pair is not wanted:
 * closes what is not kept. ends[0], or -1. */
int pair_keep(int const ends[2], bool ok) __attribute__((warn_unused_result));

/*
 * Send one frame, with count descriptors (which stay the caller's).
 * Never raises SIGPIPE. False: errno; EAGAIN when the pair is full.
 */
bool pair_send(int fd, char const *s, size_t len, int const *fds, size_t count)
	__attribute__((warn_unused_result));

/*
 * Receive one frame into s[0..max). fds_r gets up to wanted descriptors,
 * the caller's from then on, and *count_r their number; descriptors beyond
 * wanted are not accepted. With wanted 0, fds_r and count_r may be NULL.
 *
 * Returns the length, 0 at the end of the pair, -1 with errno (EAGAIN: none
 * there yet; EMSGSIZE: longer than max, dropped; EPROTO: more descriptors
 * than wanted, dropped).
 */
ssize_t pair_receive(int fd, char *s, size_t max, int *fds_r, size_t wanted,
	size_t *count_r) __attribute__((warn_unused_result));

#endif
