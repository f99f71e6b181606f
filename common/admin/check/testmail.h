/*
 * testmail.h - the test message, between the child that sends it and the one
 * that reads it
 */
#ifndef TESTMAIL_H
#define TESTMAIL_H

#include <skalibs/stralloc.h>
#include "common/id.h"
#include "common/admin/check/apart.h"
#include "common/admin/check/talk.h"

/* Within which it must have arrived. */
#define TESTMAIL_SECONDS 30

struct testmail {
	char const *address, *hello;
	uid_t uid;
	stralloc maildir; /* NUL-ended */
	char token[33];	  /* left of the @ in its Message-ID */
	int password_fd;  /* -1: the mailbox programs are run by hand */
	/* What the child that sends it says to the other. */
	struct testmail_shared {
		bool is_sent;
		char id[ID_LEN + 1]; /* of the queue; "" not known */
	} * shared;
};

/*
 * Wait for it, read it by IMAP and by POP3, remove it: data is a testmail. With
 * a password over the ports, and with no rights; else by imapd and pop3d run
 * by hand, as the mailbox. A child of apart.h.
 */
void testmail_read(struct doctor *d, void *data);

#endif
