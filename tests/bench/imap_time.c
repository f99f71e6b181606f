/*
 * imap_time - log in by IMAP over TLS and time some commands
 *
 *	imap_time ADDRESS PORT USER PASSWORD COMMAND...
 *
 * Prints a JSON list: for each command its wall time and the octets that
 * came. A command that is not answered OK ends the run.
 */
#include <stdio.h>
#include "tests/bench/imap_peer.h"
#include "tests/bench/peer.h"

int
main(int argc, char **argv)
{
	static struct imap_peer peer;

	if (argc < 6)
		peer_die("usage: imap_time ADDRESS PORT USER PASSWORD "
			 "COMMAND...");
	imap_peer_open(&peer, argv[1], peer_number(argv[2], 1, 65535), argv[3],
		argv[4]);
	putchar('[');
	for (int i = 5; i < argc; i++) {
		uint64_t begin = peer_now_ns();
		imap_peer_command(&peer, argv[i]);
		printf("%s{\"ms\": %.3f, \"octets\": %llu}", i > 5 ? ", " : "",
			(double)(peer_now_ns() - begin) / 1e6,
			(unsigned long long)peer.octets);
	}
	puts("]");
	imap_peer_command(&peer, "LOGOUT");
	tls_peer_close(&peer.tls);
	return 0;
}
