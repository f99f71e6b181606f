/*
 * channel.h - the jobs that the manager sends over one channel
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "remote/deliver.h"

/* How long a session is kept for another job, in milliseconds. */
#define CHANNEL_IDLE_MS 5000

/*
 * Serve jobs until the manager closes the channel, or none has come for
 * CHANNEL_IDLE_MS. In the latter case the receiving side is shut down first:
 * the manager's next job fails with EPIPE, and one that came just before is
 * still served, so that none is ever lost between the two. Exit code.
 */
int channel_serve(int channel_fd, struct deliver *d);

#endif
