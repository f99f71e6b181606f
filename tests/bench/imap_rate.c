/*
 * imap_rate - many clients over TLS, each as fast as it can
 *
 *	imap_rate WHAT CLIENTS COUNT ADDRESS PORT USER PASSWORD [OCTETS]
 *
 * A process a client; `%` in USER stands for its number. COUNT is that of all
 * together. WHAT is `connect` (a handshake, the greeting, LOGOUT), `login`
 * (connect, LOGIN, SELECT INBOX, LOGOUT), or `append` (messages of OCTETS into
 * INBOX, in one connection). All start at one time; prints a JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/bench/imap_peer.h"
#include "tests/bench/peer.h"

static struct imap_peer peer;

struct client {
	char const *what, *address, *password;
	unsigned port, count, octets;
	char user[256];
};

static void
append_all(struct client const *c, int start)
{
	char *text = malloc(c->octets + 256), go;
	size_t len;

	if (text == NULL)
		peer_die("out of memory");
	len = (size_t)snprintf(text, 256,
		"From: <a@sender.test>\r\nTo: <b@bench.test>\r\n"
		"Subject: a letter of %u octets\r\n\r\n",
		c->octets);
	for (; len + 2 <= c->octets; len++)
		text[len] = len % 72 == 70 ? '\r' : len % 72 == 71 ? '\n' : 'a';
	memcpy(text + len, "\r\n", 2);
	len += 2;
	imap_peer_open(&peer, c->address, c->port, c->user, c->password);
	(void)!read(start, &go, 1);
	for (unsigned i = 0; i < c->count; i++)
		imap_peer_append(&peer, "INBOX", text, len);
	imap_peer_command(&peer, "LOGOUT");
	tls_peer_close(&peer.tls);
}

static void
come_and_go(struct client const *c)
{
	if (strcmp(c->what, "login") == 0) {
		imap_peer_open(
			&peer, c->address, c->port, c->user, c->password);
		imap_peer_command(&peer, "SELECT INBOX");
	} else {
		imap_peer_greet(&peer, c->address, c->port);
	}
	imap_peer_command(&peer, "LOGOUT");
	tls_peer_close(&peer.tls);
}

static void
run(struct client const *c, int start)
{
	char go;

	if (strcmp(c->what, "append") == 0) {
		append_all(c, start);
		return;
	}
	(void)!read(start, &go, 1);
	for (unsigned i = 0; i < c->count; i++)
		come_and_go(c);
}

static unsigned
wait_for(unsigned clients)
{
	unsigned failed = 0;
	int status;

	while (clients-- > 0)
		if (wait(&status) < 0 || status != 0)
			failed++;
	return failed;
}

int
main(int argc, char **argv)
{
	struct client c = {0};
	unsigned clients, total;
	uint64_t begin;
	int start[2];

	if (argc < 8)
		peer_die("usage: imap_rate WHAT CLIENTS COUNT ADDRESS PORT "
			 "USER PASSWORD [OCTETS]");
	c.what = argv[1];
	clients = peer_number(argv[2], 1, 1000);
	total = peer_number(argv[3], clients, 10000000);
	c.address = argv[4];
	c.port = peer_number(argv[5], 1, 65535);
	c.password = argv[7];
	c.octets = argc > 8 ? peer_number(argv[8], 256, 1000000) : 4096;
	c.count = total / clients;
	if (pipe(start) < 0)
		peer_die("no pipe");
	for (unsigned i = 0; i < clients; i++) {
		pid_t pid = fork();
		if (pid < 0)
			peer_die("no process");
		if (pid > 0)
			continue;
		close(start[1]);
		peer_user(c.user, sizeof c.user, argv[6], i);
		run(&c, start[0]);
		_exit(0);
	}
	/* Logged in by then, who has to be. */
	usleep(300000 + clients * 20000);
	begin = peer_now_ns();
	close(start[1]);
	if (wait_for(clients) > 0)
		peer_die("a client failed");
	printf("{\"count\": %u, \"seconds\": %.6f}\n", c.count * clients,
		(double)(peer_now_ns() - begin) / 1e9);
	return 0;
}
