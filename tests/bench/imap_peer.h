/*
 * imap_peer.h - commands to an IMAP server over TLS, and their ends
 *
 * Reads responses as RFC 3501 section 9 forms them, literals included, and
 * keeps none of it. Any failure ends the program.
 */
#ifndef IMAP_PEER_H
#define IMAP_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include "tests/bench/tls_peer.h"

struct imap_peer {
	struct tls_peer tls;
	unsigned tag;
	uint64_t octets;
	/* The line being read, as far as it matters. */
	char line[256];
	size_t line_len;
	uint64_t literal;
};

/* Connect and take the greeting. */
void imap_peer_greet(struct imap_peer *p, char const *address, unsigned port);

/* Connect, take the greeting, and log in. */
void imap_peer_open(struct imap_peer *p, char const *address, unsigned port,
	char const *user, char const *password);

/*
 * Send a command, without tag and line end, and read until its tagged OK (for
 * IDLE: its continuation). p->octets is what came until then.
 */
void imap_peer_command(struct imap_peer *p, char const *command);

/* APPEND of s[0..len), a message, with a non-synchronizing literal. */
void imap_peer_append(
	struct imap_peer *p, char const *mailbox, char const *s, size_t len);

#endif
