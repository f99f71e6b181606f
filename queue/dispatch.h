/*
 * dispatch.h - from a message to its deliveries
 *
 * Routes each recipient that is to do and starts what that asks for: a job for
 * a destination, the expansion of an alias, or a result at once.
 */
#ifndef DISPATCH_H
#define DISPATCH_H

#include "queue/queued.h"

/*
 * Begin with m, which becomes one of those in work. It may be let go of at
 * once, to stand in line behind a busy destination, or first be copied into a
 * file of the manager's own.
 */
void dispatch_start(struct queued *m);

/* m has been signed, or could not be: what waited for that goes on. */
void dispatch_signed(struct queued *m);

#endif
