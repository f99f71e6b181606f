/*
 * shared_copy.h - COPY and MOVE between mailboxes of different owners
 *
 * Messages are read here and written there; flags, date and octets stay. What
 * is moved is removed when all copies are on disk.
 */
#ifndef SHARED_COPY_H
#define SHARED_COPY_H

#include "imapd/session.h"

/* Is the command in hand such a one? Then it is done and answered. */
bool shared_copy(struct session *s) __attribute__((warn_unused_result));

#endif
