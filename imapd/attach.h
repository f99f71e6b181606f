/*
 * attach.h - asking the monitor for the imapd of a shared mailbox
 *
 * Over a pair that has been there since login (doc/PIPES.md). The monitor looks
 * up whether the mailbox is shared, starts an imapd under that mailbox's uid,
 * tells it who asks, and gives us its two pipes. What may be done there is for
 * that imapd to say.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include <stdbool.h>

/* Is there such a pair? Not when imapd was started by hand. */
bool attach_possible(void);

/* pipes_r[0] is to write to it, pipes_r[1] to read from it; the caller's. */
bool attach(char const *mailbox, int pipes_r[2])
	__attribute__((warn_unused_result));

#endif
