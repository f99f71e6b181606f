/*
 * shared_idle.h - IDLE (RFC 2177) while a shared mailbox is selected
 */
#ifndef SHARED_IDLE_H
#define SHARED_IDLE_H

#include "imapd/session.h"

/* The command in hand; answered. True. */
bool shared_idle(struct session *s);

#endif
