/*
 * forward.h - the addresses of forwarded mail (common/srs.h)
 *
 * What a mailbox sends on to another host goes out under a sender of ours, so
 * that SPF holds there; a report that comes back to such an address goes on to
 * the one that it was made of. The key is a file of the tables' folder that
 * kr-queue alone may read.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdbool.h>
#include "common/table.h"
#include "queue/queued.h"

/* Read the key. Without one nothing is rewritten, and nothing undone. */
void forward_open(int tables_fd, struct table const *settings);

/* The sender that m leaves for other hosts under, if it is not its own:
 * m->forward_sender. Does nothing twice. */
void forward_set_sender(struct queued *m);

enum forward_undone {
	FORWARD_NOT,	/* it is no such address */
	FORWARD_DONE,	/* m->fates[recipient].instead */
	FORWARD_FORGED, /* and nobody is to be told */
	FORWARD_LATER	/* no memory */
};

/* Of a recipient that nobody here has. From the null sender alone. */
enum forward_undone forward_undo(struct queued *m, size_t recipient);

#endif
