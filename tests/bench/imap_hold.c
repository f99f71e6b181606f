/*
 * imap_hold - hold many idle IMAP connections over TLS, logged in
 *
 *	imap_hold COUNT ADDRESS PORT USER PASSWORD [COMMAND...]
 *
 * `%` in USER stands for the number of the connection modulo 100, so that they
 * belong to a hundred mailboxes. The commands are said after the login. Says
 * "ready" when all are in; ends when its standard input does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/bench/imap_peer.h"
#include "tests/bench/peer.h"

int
main(int argc, char **argv)
{
	char user[256], end;
	unsigned count, port;

	if (argc < 6)
		peer_die("usage: imap_hold COUNT ADDRESS PORT USER PASSWORD "
			 "[COMMAND...]");
	count = peer_number(argv[1], 1, 30000);
	port = peer_number(argv[3], 1, 65535);
	for (unsigned i = 0; i < count; i++) {
		struct imap_peer *p = calloc(1, sizeof *p);
		if (p == NULL)
			peer_die("out of memory");
		peer_user(user, sizeof user, argv[4], i % 100);
		imap_peer_open(p, argv[2], port, user, argv[5]);
		for (int k = 6; k < argc; k++)
			imap_peer_command(p, argv[k]);
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &end, 1) > 0)
		;
	return 0;
}
