/*
 * sort.h - doing with a message what the mailbox's script says
 */
#ifndef SORT_H
#define SORT_H

#include <stdbool.h>
#include <skalibs/stralloc.h>
#include "local/mailbox.h"

/*
 * Run the script over the message and do all that it asks for. If that is one
 * copy in one folder and no more, it is only written, and d->is_written is set,
 * so that it can be made durable with others; else all is durable when this
 * returns, and d->result says how it went. Whatever fails is tried again as a
 * whole.
 */
void sort_message(struct mailbox *m, stralloc const *script,
	struct job const *job, int fd, bool locks, struct delivery *d);

#endif
