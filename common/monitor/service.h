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
};

/* What is open for the monitor's whole life. */
struct house {
	struct service const *service;
	int tables_fd, queue_fd, empty_fd, tmp_fd, new_fd;
	int front_fd, mailbox_fd, auth_fd; /* programs */
	int throttle_fd;
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
/* Whether the networks table lists it. */
bool client_is_listed(struct table const *networks, struct client const *c);

/* Listen on every address of a setting ("192.0.2.1:25 [::]:25"); appends
 * descriptors to fds_r. False: one could not be opened (logged). */
bool listen_on(char const *addresses, int *fds_r, size_t max, size_t *count);

/*
 * Start the front for the client on socket_fd (0: that of inetd). pair_r gets
 * our end. Returns its pid, or -1.
 */
pid_t start_front(struct house const *h, int socket_fd, bool implicit_tls,
	struct client const *c, int *pair_r);

/*
 * Start the mailbox program. pipes_r: to write to it, to read from it;
 * *status_r ends without an octet once the exec has worked. Returns its pid, or
 * -1 and errno.
 */
pid_t start_mailbox(struct house const *h, char const *mailbox, size_t len,
	struct client const *c, int pipes_r[2], int *status_r);

/* Start auth; returns our end of its pair, or -1. */
int start_auth(struct house const *h);

#endif
