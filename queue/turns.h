/*
 * turns.h - which destination is served next, and by which channel
 *
 * Each pool has a limit of channels, and so has each destination in it.
 * Destinations with something in line stand in a ring and take turns, one job
 * or one new channel a turn. One that could go on but for the pool's limit
 * starves: channels that are idle, or have had their share, yield to it.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "queue/channel.h"
#include "queue/destination.h"

struct pool_limits {
	unsigned channels;	  /* of the pool */
	unsigned per_destination; /* channels */
	unsigned in_hand;	  /* jobs on a channel */
	unsigned quantum;     /* jobs until a channel yields to who starves */
	uint64_t idle_ms;     /* then an idle channel is closed */
	uint64_t job_ms;      /* then a silent channel is given up */
	uint64_t hold_ms;     /* how long a destination that fails is held */
	uint64_t hold_max_ms; /* it doubles up to this; 0: it does not */
};

/* The counts are kept by whoever moves a delivery. */
struct pool {
	struct ring ready, starved, paused;
	struct pool_limits limits;
	size_t waiting;	  /* deliveries in line */
	unsigned in_hand; /* jobs that a process has */
};
extern struct pool pools[POOLS];

void turns_init(struct pool_limits const limits[POOLS]);

/* d may be able to go on: something is in line, or a channel is free. Who
 * pauses keeps its place; so does who starves, which uses what it has. */
void turns_wake(struct destination *d);

/* d has no turn any more. */
void turns_leave(struct destination *d);

/* d has no turn until turns_resume. */
void turns_pause(struct destination *d);
void turns_resume(void);

/* Channels that d may have now. */
unsigned turns_window(struct destination *d);

/* c has answered: it is closed if others need its place more. */
void turns_yield(struct channel *c);

/* Send what can be sent, ask for channels that are needed. */
void turns_run(void);

/* Nothing is sent or asked from now on. */
void turns_stop(void);
bool turns_are_stopped(void);

#endif
