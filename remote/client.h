/*
 * client.h - an SMTP session with one host (RFC 5321 3, 4.5.3.2)
 *
 * Opens a connection, greets, goes over to TLS as security.h says, and logs in
 * where a route asks for it. What is sent over it is transaction.h's. Nothing
 * that the host says is trusted: only a well-formed 5xx is permanent,
 * everything else that is no success is temporary.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/dns_reply.h"
#include "common/job.h"
#include "common/stream.h"
#include "remote/mx.h"
#include "remote/outgoing.h"
#include "remote/reply.h"
#include "remote/security.h"

/* Octets of "name[address]" with its NUL. */
#define CLIENT_PEER_SIZE (DNS_NAME_SIZE + 48)
/* Octets of a text for people with its NUL. */
#define CLIENT_TEXT_SIZE (JOB_TEXT_MAX + 1)

/* RFC 5321 4.5.3.2, in seconds. */
#define CLIENT_WAIT_CONNECT 30u
#define CLIENT_WAIT_GREETING 300u
#define CLIENT_WAIT_COMMAND 300u /* EHLO, MAIL, RCPT */
#define CLIENT_WAIT_DATA 120u
#define CLIENT_WAIT_BLOCK 180u
#define CLIENT_WAIT_END 600u

struct login_out;
struct client {
	/* What we call ourselves: where outgoing has no name for it. */
	char const *usual_hello;
	char const *hello; /* to this host */
	/* The caller's, before client_open: what is demanded of the host, the
	 * addresses to call from, whether TLS comes before the greeting (RFC
	 * 8314 3.3), and the name and password there, or NULL. */
	struct security security;
	struct outgoing_choice outgoing;
	bool is_tls_first;
	struct login_out const *login;
	unsigned patience; /* seconds: an upper limit to all of the above */
	/* When to fail in any case (stream_clock_ms): a host that takes a
	 * message by drops keeps within the limits of each wait. */
	int64_t give_up_ms;
	int hangup_fd; /* -1, or: when it hangs up, all waits fail */
	int fd;	       /* -1: there is no session */
	int ready_fd;  /* -1, or: connected already, for client_open */
	char tls[64];  /* what encrypts it, or "none" */
	struct reply_ehlo ehlo;
	char peer[CLIENT_PEER_SIZE];
	struct stream stream;
};

enum client_status {
	CLIENT_OK = 1,
	CLIENT_TEMPORARY, /* another host, or a later try, may do */
	CLIENT_PERMANENT  /* a well-formed 5xx; another host may do */
};

void client_init(struct client *c, char const *hello, unsigned patience);

/*
 * Connect to the address, greet, STARTTLS, greet again. If the handshake fails,
 * and security allows it, all over again without it. host: its name, for texts.
 * On failure there is no session, and text_r says why; c->peer is set in any
 * case, and c->security says what of it was met.
 */
enum client_status client_open(struct client *c, char const *host,
	struct mx_address const *address, unsigned port,
	char text_r[CLIENT_TEXT_SIZE]);

/* An address that could not be connected to: sets c->peer, and text_r. */
void client_unreachable(struct client *c, char const *host,
	struct mx_address const *address, int error,
	char text_r[CLIENT_TEXT_SIZE]);

/* Whether there is a session that the host has not ended meanwhile; one that
 * it has ended is closed. */
bool client_alive(struct client *c);

/* Whether c->hangup_fd has hung up. */
bool client_is_alone(struct client const *c);

/*
 * Read the next reply; what is pending is sent first. False: none came within
 * the time, or something else; the session is closed, text_r says why.
 */
bool client_reply(struct client *c, unsigned seconds, struct reply *reply_r,
	char text_r[CLIENT_TEXT_SIZE]) __attribute__((warn_unused_result));

/* "PEER said: REPLY" */
void client_said(struct client const *c, struct reply const *reply,
	char text_r[CLIENT_TEXT_SIZE]);

/* Set the limit of the waits that follow, when sending. */
void client_limit(struct client *c, unsigned seconds);

/* Close without a word; as for a session that failed. */
void client_close(struct client *c);

/* QUIT, and close. Without a session nothing. */
void client_quit(struct client *c);

#endif
