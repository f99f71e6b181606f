/*
 * shared_append.h - APPEND (RFC 9051, 6.3.12) to a shared mailbox
 *
 * Its messages go from the client through us as they come.
 */
#ifndef SHARED_APPEND_H
#define SHARED_APPEND_H

#include "imapd/relay.h"

/* The command in hand, whose first line has been read up to its literal;
 * answered. r: NULL if it cannot be had. */
void shared_append(struct session *s, struct relay *r);

#endif
