/*
 * pop3_time - log in by POP3 over TLS and fetch every message
 *
 *	pop3_time ADDRESS PORT USER PASSWORD
 *
 * RETR follows RETR, each after the answer to the one before. Prints a JSON
 * object: messages, octets, and the time of all RETR together.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/peer.h"
#include "tests/bench/tls_peer.h"

static struct tls_peer peer;
static uint64_t octets;

/* Until the answer's end; its first line into s. */
static void
answer(char *s, size_t size, bool multi)
{
	static char block[65536];
	char tail[5] = "";
	size_t first = 0;
	bool in_first = true;

	for (;;) {
		size_t len = tls_peer_read(&peer, block, sizeof block);
		octets += len;
		for (size_t i = 0; i < len && in_first; i++) {
			if (first + 1 < size)
				s[first++] = block[i];
			in_first = block[i] != '\n';
		}
		s[first] = '\0';
		for (size_t i = len < 5 ? 0 : len - 5; i < len; i++) {
			memmove(tail, tail + 1, 4);
			tail[4] = block[i];
		}
		if (!in_first && *s != '+')
			peer_die("the server said: %s", s);
		if (multi ? memcmp(tail, "\r\n.\r\n", 5) == 0 : !in_first)
			return;
	}
}

static void
command(char *s, size_t size, bool multi, char const *text)
{
	tls_peer_write(&peer, text, strlen(text));
	answer(s, size, multi);
}

int
main(int argc, char **argv)
{
	char line[512], text[512];
	unsigned count;
	uint64_t begin;

	if (argc != 5)
		peer_die("usage: pop3_time ADDRESS PORT USER PASSWORD");
	tls_peer_open(&peer, argv[1], peer_number(argv[2], 1, 65535));
	answer(line, sizeof line, false);
	snprintf(text, sizeof text, "USER %s\r\n", argv[3]);
	command(line, sizeof line, false, text);
	snprintf(text, sizeof text, "PASS %s\r\n", argv[4]);
	command(line, sizeof line, false, text);
	command(line, sizeof line, false, "STAT\r\n");
	count = (unsigned)strtoul(line + 4, NULL, 10);
	octets = 0;
	begin = peer_now_ns();
	for (unsigned i = 1; i <= count; i++) {
		snprintf(text, sizeof text, "RETR %u\r\n", i);
		command(line, sizeof line, true, text);
	}
	printf("{\"messages\": %u, \"octets\": %llu, \"seconds\": %.6f}\n",
		count, (unsigned long long)octets,
		(double)(peer_now_ns() - begin) / 1e9);
	command(line, sizeof line, false, "QUIT\r\n");
	return 0;
}
