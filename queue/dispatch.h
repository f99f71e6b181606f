/*
 * dispatch.h - from a message to its deliveries
 *
 * Routes each recipient that is to do and starts what that asks for: a job for
 * a destination, the expansion of an alias, or a result at once.
 */
#ifndef DISPATCH_H
#define DISPATCH_H

#include <stdbool.h>
#include "queue/queued.h"

/*
 * Begin with m, which becomes one of those in work. It may be let go of at
 * once, to stand in line behind a busy destination, or first be copied into a
 * file of the manager's own.
 */
void dispatch_start(struct queued *m);

/* m, or one recipient's copy, has been signed, or could not be: what waited for
 * that goes on. A signing_done. */
void dispatch_signed(struct queued *m, size_t recipient, bool is_done);

/* A message for a list has its recipients routed some at a time. Some of them
 * are under way no more: others may have their turn, soon. */
void dispatch_want_rest(struct queued *m);

/* Let the next have its turn. True: there is more to do at once. */
bool dispatch_run(void);

#endif
