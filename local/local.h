/*
 * local.h - the process that delivers into one mailbox
 *
 * Runs as the mailbox's uid, in its sandbox, and serves what the manager sends
 * over its channel until that ends.
 */
#ifndef LOCAL_H
#define LOCAL_H

#include "common/table.h"
#include "local/outgoing.h"

struct local {
	int channel_fd;
	char const *home; /* the maildir */
	struct table *settings;
	struct outgoing outgoing; /* where what is sent on is dropped */
};

/* Called with the rights of the mailbox's uid; closes the sandbox. The exit
 * code. */
int local_run(struct local const *l);

#endif
