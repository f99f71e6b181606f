/*
 * sender.h - who a message is from, for fairness
 *
 * Who sends ten thousand messages must not keep another's one waiting. A sender
 * is a number: of the mailbox or person whose uid dropped the message, whatever
 * address it bears; of what came by SMTP from other hosts, of its address
 * without what lists put behind a `+` or `=` to tell recipients apart. Two may
 * have the same number; who chooses addresses can't choose numbers.
 */
#ifndef SENDER_H
#define SENDER_H

#include <stdint.h>
#include "queue/owner.h"
#include "queue/queued.h"

uint32_t sender_number(
	struct owner_accounts const *accounts, struct queued const *m);

#endif
