/*
 * bounce.h - putting a delivery report into the queue
 *
 * Tells a message's sender what became of it, or the postmaster where there is
 * no sender. The text is dsn.h's. Runs in a helper.
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#include "queue/helpers.h"

/* Octets of the original's header that are sent back; and of a whole one,
 * where that was asked for (RET=FULL). */
#define BOUNCE_HEADER_MAX 65536
#define BOUNCE_FULL_MAX (1024 * 1024)

struct bounce_place {
	int tmp_fd, new_fd;
	char const *hostname;
	uint64_t now; /* seconds since 1970 */
};

/* About m's recipients whose state is owed a report and, if m->is_late, those
 * that are still to do. */
enum helper_result bounce_write(
	struct bounce_place const *place, struct queued const *m);

#endif
