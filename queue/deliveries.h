/*
 * deliveries.h - deliveries, and what comes of them
 *
 * A delivery, some recipients of one message, stands in its destination's line
 * until it has its turn (turns.h), and is over when a process has reported.
 * What a process died with is tried again. How it goes tells how many channels
 * a destination may have; one that fails again and again is held: what waits
 * for it is put off without a try, and it takes no place from a live one.
 */
#ifndef DELIVERIES_H
#define DELIVERIES_H

#include "common/job.h"
#include "queue/destination.h"
#include "queue/turns.h"

/* Deliveries in line for one destination; what comes then is parked, but for
 * the first of each sender as long as there are not half as many again. */
#define DELIVERIES_LINE_MAX 100

struct deliveries_events {
	/* One recipient's result. */
	void (*result)(struct queued *m, size_t recipient,
		struct destination const *to, enum job_status status,
		char const *text, size_t text_len);
	/* A delivery of m is over: m->open has been lowered. */
	void (*over)(struct queued *m);
	/* A parked message may be looked at again, after delay_s seconds. */
	void (*unpark)(char const *id, uint64_t delay_s);
};

void deliveries_init(struct deliveries_events const *events,
	struct pool_limits const limits[POOLS]);

/*
 * Put count recipients of m (indexes, all of one destination) in line, raising
 * m->open; or, if the destination is held, answer at once. False: no memory,
 * nothing done.
 */
bool deliveries_add(struct destination *to, struct queued *m,
	uint16_t const *recipients, size_t count)
	__attribute__((warn_unused_result));

/* Whether its line is so long that a message of this sender should be parked.
 */
bool deliveries_is_crowded(struct destination const *d, uint32_t sender);
bool deliveries_is_held(struct destination const *d);

/* Idle and silent channels, holds and pauses that are over. About twice a
 * second while deliveries_are_busy. */
void deliveries_tick(void);
bool deliveries_are_busy(void);

/* Jobs that a process has in hand. */
unsigned deliveries_in_hand(void);
#endif
