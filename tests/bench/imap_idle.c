/*
 * imap_idle - how soon a session in IDLE hears of a new message
 *
 *	imap_idle COUNT ADDRESS PORT USER PASSWORD MAILDIR UID
 *
 * Writes COUNT messages into tmp of the maildir, one after another, renames
 * each into new, and waits for its EXISTS. Prints a JSON list of milliseconds
 * from the rename to the line.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/bench/imap_peer.h"
#include "tests/bench/peer.h"

static struct imap_peer peer;

static void
write_message(char const *path, unsigned uid)
{
	static char const text[] = "From: <a@sender.test>\nSubject: new\n\nx\n";
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || write(fd, text, sizeof text - 1) < 0 ||
		fchown(fd, uid, uid) < 0)
		peer_die("cannot write %s", path);
	close(fd);
}

static double
notice(char const *maildir, unsigned uid, unsigned n)
{
	char from[512], to[512], block[4096];
	uint64_t begin;
	size_t len = 0;

	snprintf(from, sizeof from, "%s/tmp/1236209000.M%uQ%ld.idle", maildir,
		n, (long)getpid());
	snprintf(to, sizeof to, "%s/new/1236209000.M%uQ%ld.idle", maildir, n,
		(long)getpid());
	write_message(from, uid);
	begin = peer_now_ns();
	if (rename(from, to) < 0)
		peer_die("cannot rename %s", from);
	do {
		if (len == sizeof block - 1)
			len = 0;
		len += tls_peer_read(
			&peer.tls, block + len, sizeof block - 1 - len);
		block[len] = '\0';
	} while (strstr(block, " EXISTS\r\n") == NULL);
	return (double)(peer_now_ns() - begin) / 1e6;
}

int
main(int argc, char **argv)
{
	unsigned count, uid;

	if (argc != 8)
		peer_die("usage: imap_idle COUNT ADDRESS PORT USER PASSWORD "
			 "MAILDIR UID");
	count = peer_number(argv[1], 1, 10000);
	uid = peer_number(argv[7], 0, 0xfffffffe);
	imap_peer_open(&peer, argv[2], peer_number(argv[3], 1, 65535), argv[4],
		argv[5]);
	imap_peer_command(&peer, "SELECT INBOX");
	imap_peer_command(&peer, "IDLE");
	putchar('[');
	for (unsigned i = 0; i < count; i++) {
		usleep(200000);
		printf("%s%.3f", i > 0 ? ", " : "", notice(argv[6], uid, i));
	}
	puts("]");
	return 0;
}
