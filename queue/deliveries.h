/*
 * deliveries.h - who is served next, and by which channel
 *
 * Deliveries of one destination are sent in order; destinations take turns.
 * Limits: channels of a pool, channels of a destination (which grow as it
 * accepts and shrink as it fails), jobs in hand on a channel. A destination
 * that fails again and again is held: what waits for it is put off without a
 * try, and it takes no place from a live one.
 */
#ifndef DELIVERIES_H
#define DELIVERIES_H

#include "common/job.h"
#include "queue/destination.h"

/* Deliveries in line for one destination; what comes then is parked. */
#define DELIVERIES_LINE_MAX 100

struct deliveries_limits {
	unsigned channels;	  /* of the pool */
	unsigned per_destination; /* channels */
	unsigned in_hand;	  /* jobs on a channel */
	unsigned quantum; /* jobs until a channel yields to who starves */
	uint64_t idle_ms; /* then an idle channel is closed */
	uint64_t job_ms;  /* then a silent channel is given up */
	uint64_t hold_ms; /* how long a destination that fails is held */
};

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
	struct deliveries_limits const limits[POOLS]);

/*
 * Put count recipients of m (indexes, all of one destination) in line, raising
 * m->open; or, if the destination is held, answer at once. False: no memory,
 * nothing done.
 */
bool deliveries_add(struct destination *to, struct queued *m,
	uint16_t const *recipients, size_t count)
	__attribute__((warn_unused_result));

/* Whether its line is so long that a message should be parked. */
bool deliveries_is_crowded(struct destination const *d);
bool deliveries_is_held(struct destination const *d);

/* Send what can be sent. After each wait. */
void deliveries_run(void);

/* Idle and silent channels, holds and pauses that are over. About twice a
 * second while deliveries_are_busy. */
void deliveries_tick(void);
bool deliveries_are_busy(void);

/* No more jobs are sent; what is in line stays there. */
void deliveries_stop(void);
/* Jobs that a process has in hand. */
unsigned deliveries_in_hand(void);
/* Deliveries that wait, in a pool. */
size_t deliveries_waiting(enum pool_kind pool);

#endif
