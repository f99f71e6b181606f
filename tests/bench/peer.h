/*
 * peer.h - what the load generators share: sockets and the clock
 *
 * Loopback only, blocking connect; TCP_NODELAY is always set, since a
 * delayed acknowledgement would be measured in place of the server.
 * These programs end with one line on standard error when anything goes wrong:
 * a measurement in which something failed is worth nothing.
 */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

/* CLOCK_MONOTONIC in nanoseconds: the same clock in all programs. */
uint64_t peer_now_ns(void);

/* A connected socket to the IPv4 address and port. Dies on failure. */
int peer_connect(char const *address, unsigned port);

/* A listening, non-blocking socket on 127.0.0.1. Dies on failure. */
int peer_listen(unsigned port);

/* The number in text, from min to max. Dies on anything else. */
unsigned peer_number(char const *text, unsigned min, unsigned max);

/* The pattern into s, n in place of its `%` if it has one. */
void peer_user(char *s, size_t size, char const *pattern, unsigned n);

/* One line on standard error, printf style, and exit 1. */
noreturn void peer_die(char const *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
