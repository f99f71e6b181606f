/*
 * arrivals - wait until so many files have come into some folders
 *
 *	arrivals COUNT SECONDS FOLDER...
 *
 * Says "ready" once all folders are watched. A file comes by rename or by link.
 * Ends when COUNT came, or when none came for SECONDS, with one JSON object:
 *how many, and when the last did (CLOCK_MONOTONIC, ns).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "tests/bench/peer.h"

static unsigned
count_events(int fd)
{
	_Alignas(struct inotify_event) char block[65536];
	ssize_t len = read(fd, block, sizeof block);
	unsigned n = 0;

	if (len <= 0)
		peer_die("inotify: %s", strerror(errno));
	for (char *at = block; at < block + len;) {
		struct inotify_event const *e = (void *)at;
		if ((e->mask & IN_Q_OVERFLOW) != 0)
			peer_die("the kernel dropped inotify events");
		n++;
		at += sizeof *e + e->len;
	}
	return n;
}

int
main(int argc, char **argv)
{
	unsigned wanted, seconds, come = 0;
	uint64_t last_ns = 0;
	struct pollfd p = {.events = POLLIN};

	if (argc < 4)
		peer_die("usage: arrivals COUNT SECONDS FOLDER...");
	wanted = peer_number(argv[1], 1, 10000000);
	seconds = peer_number(argv[2], 1, 3600);
	p.fd = inotify_init1(IN_CLOEXEC);
	for (int i = 3; i < argc; i++)
		if (inotify_add_watch(p.fd, argv[i],
			    IN_MOVED_TO | IN_CREATE | IN_ONLYDIR) < 0)
			peer_die("%s: %s", argv[i], strerror(errno));
	puts("ready");
	fflush(stdout);
	while (come < wanted && poll(&p, 1, (int)seconds * 1000) > 0) {
		come += count_events(p.fd);
		last_ns = peer_now_ns();
	}
	printf("{\"arrived\": %u, \"last_ns\": %llu}\n", come,
		(unsigned long long)last_ns);
	return 0;
}
