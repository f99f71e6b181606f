/*
 * service.h - what the monitor knows of its service, and whom it starts
 *
 * For the files of the monitor alone.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "common/table.h"

struct service {
	char const *name;
	char const *front;		 /* the program that meets the client */
	char const *mailbox;		 /* the program after login, or NULL */
	char const *account;		 /* setting with the front's uid */
	char const *listen, *listen_tls; /* settings with the listeners */
	bool drops; /* chrooted in queue/, with its folders' descriptors */
	bool mailbox_drops; /* the same for the program after login */
	char const *busy;   /* said to a client that is one too many */
	bool attaches; /* it may ask for the programs of shared mailboxes */
};

/* Whom the monitor talks to over a pair: its own children, the templates from
 * which fronts are forked (for clients of listed networks under another uid,
 * where the service tells them apart), and services that it calls. */
enum role {
	ROLE_FRONT,
	ROLE_LISTED,
	ROLE_AUTH,
	ROLE_CHECK,
	ROLE_POLICY,
	ROLES
};

/* What is open for the monitor's whole life. */
struct house {
	struct service const *service;
	int tables_fd, queue_fd, empty_fd, tmp_fd, new_fd, load_fd, null_fd;
	int front_fd, mailbox_fd; /* programs */
	char *const *argv;	  /* our own */
	struct table settings, users, networks;
};

/* A client's address: v4 as v4-mapped, and as text. */
struct client {
	unsigned char ip[16];
	uint16_t port;
	char text[48];
};

/* Read the peer of a socket. False: it is no TCP socket. */
bool client_of(int fd, struct client *c_r);
/* Whether two clients count as one for the limits: one IPv4 address, or one
 * IPv6 network of 64 bits. */
bool client_same(struct client const *a, struct client const *b);
/* Take over another address, as REQUEST_PEER has it. */
void client_set(struct client *c, char const ip[16]);
/* Whether the networks table lists it: under "" those that may relay, under
 * "proxy" balancers. */
bool client_is_listed(
	struct table const *networks, char const *kind, struct client const *c);

/* Listen on every address of a setting in its compiled form (tables(5));
 * appends descriptors to fds_r. False: one could not be opened: errno. */
bool listen_on(struct table const *settings, char const *key, int *fds_r,
	size_t max, size_t *count);

/* Start a template, or call a service; returns our end of the pair, or -1. */
int start_role(struct house const *h, enum role role);

/*
 * Have a template fork a front for the client on socket_fd (0: that of inetd),
 * known as ticket. Returns our end of the front's pair, or -1. *keys_r is the
 * set (sign.h) that goes with its certificates.
 */
int start_front(struct house const *h, int template_pair, uint32_t ticket,
	int socket_fd, bool implicit_tls, struct client const *c,
	unsigned *keys_r);

/* Hand a service a session with the client, known as ticket. Returns the other
 * end, or -1. */
int start_session(struct house const *h, int role_pair, uint32_t ticket,
	struct client const *c, char const *mailbox, char const *table);

/*
 * Start the mailbox program. user: who asks for a shared mailbox; NULL: whose
 * own it is. sessions: its ends with policy (or, where it attaches, with us)
 * and check, or -1. pipes_r: to write to it, to read from it; *status_r ends
 * without an octet once the exec has worked. Returns its pid, or -1 and errno.
 */
pid_t start_mailbox(struct house const *h, char const *mailbox,
	char const *user, struct client const *c, int const sessions[2],
	int pipes_r[2], int *status_r);

#endif
