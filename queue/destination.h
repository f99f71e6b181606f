/*
 * destination.h - who has mail waiting: mailboxes and remote hosts
 *
 * A destination has a line of deliveries, channels that work on it, and a
 * memory of how it went. Destinations with work stand in a ring and are served
 * in turn, so that none waits for another's backlog.
 */
#ifndef DESTINATION_H
#define DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "queue/fairlist.h"
#include "queue/queued.h"

enum pool_kind { POOL_LOCAL, POOL_REMOTE, POOLS };

/* One job: some recipients of one message. */
struct delivery {
	struct queued *m;
	struct delivery *next;
	uint32_t number; /* of the job, once it is sent */
	uint32_t round;	 /* in line: the n-th of its sender has the n-th */
	uint16_t crashes;
	uint16_t count;
	uint16_t recipients[]; /* indexes */
};

struct channel;

enum destination_ring { RING_NONE, RING_READY, RING_STARVED, RING_PAUSED };

struct destination {
	enum pool_kind pool;
	struct destination *chain; /* of its hash */
	struct destination *ring_before, *ring_after;
	enum destination_ring ring;

	struct delivery *first, *last;
	size_t waiting; /* deliveries in line */
	size_t signing; /* messages that come into line once they are signed */
	struct fairlist parked;

	struct channel *channels;
	unsigned channel_count, asking; /* asking are counted in both */
	unsigned window;		/* channels it may have now */
	unsigned failures;		/* in a row */
	unsigned laters;		/* answers JOB_LATER in a row */
	uint64_t held_until;		/* loop_moved_ms; 0: not held */
	uint64_t hold_ms; /* of the last hold; 0: it has gone well since */
	char *reason;	  /* why it is held */
	size_t reason_len;

	size_t name_len;
	char name[]; /* NUL-ended */
};

/* The first of a ring; served from the front. */
struct ring {
	struct destination *first, *last;
	size_t count;
};

void ring_push(
	struct ring *r, struct destination *d, enum destination_ring which);
void ring_remove(struct ring *r, struct destination *d);

/* Find it, or make it (NULL: no memory). */
struct destination *destination_find(
	enum pool_kind pool, char const *name, size_t len, bool make);
/* It is tried again at once. */
void destination_forgive(struct destination *d);
void destination_forgive_all(void);
/* Free those that have nothing to do and nothing to remember. */
void destination_purge(uint64_t now_ms);
size_t destination_count(void);

/*
 * Behind those of its priority (RFC 6710), before those of a lower one; and of
 * one priority senders take turns: it goes behind one job of each other sender
 * for each of its own sender's that are in line.
 */
void destination_append(struct destination *d, struct delivery *job);
bool destination_has_sender(struct destination const *d, uint32_t sender);
void destination_prepend(struct destination *d, struct delivery *job);
struct delivery *destination_shift(struct destination *d);

#endif
