/*
 * channel.h - pairs to the processes that deliver
 *
 * A channel is asked from a spawner, which forks a process for it, and then
 * carries jobs to that process and reports back. What the process sends is
 * foreign: a malformed or unasked report ends the channel.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "common/job.h"
#include "queue/destination.h"
#include "queue/loop.h"

enum channel_state {
	CHANNEL_WANTED, /* the spawner has not been asked, or is gone */
	CHANNEL_ASKED,
	CHANNEL_OPEN
};

struct channel {
	struct loop_source source; /* fd -1 unless open */
	uint32_t number;
	enum channel_state state;
	struct destination *to;
	struct channel *next_here;	/* of the same destination */
	struct channel *before, *after; /* of the same pool */
	struct delivery *sent;		/* jobs in hand, oldest first */
	unsigned in_hand, served;
	bool succeeded;	   /* some job was not put off */
	bool is_alone;	   /* has a job that a process has died with */
	bool is_suspect;   /* its destination has failed before */
	uint64_t since_ms; /* of the last job or report */
};

/* What comes of it; set once, by deliveries.c. */
struct channel_events {
	void (*opened)(struct channel *c);
	/* The spawner said no; c is freed afterwards. */
	void (*refused)(struct channel *c, enum job_opened answer);
	/* job was taken off c and is the callee's. */
	void (*reported)(struct channel *c, struct delivery *job,
		struct job_report const *report);
	/* The process ended or misbehaved; c is freed afterwards. */
	void (*ended)(struct channel *c);
};

struct channel_pool {
	struct channel *first, *last;
	unsigned count;	 /* wanted, asked and open */
	unsigned wanted; /* of these, not asked yet */
	unsigned suspects;
	struct loop_source spawner; /* fd -1: there is none */
};
extern struct channel_pool channel_pools[POOLS];

void channel_init(struct channel_events const *events);

/* A new pair to a spawner: the old one is closed, what was asked over it is
 * asked again. fd is taken. */
void channel_set_spawner(enum pool_kind pool, int fd);

/* Ask for one. NULL: no memory. */
struct channel *channel_ask(struct destination *to, bool is_suspect);

/* Ask again for what could not be asked. */
void channel_ask_wanted(enum pool_kind pool);

/* Send a job. On true it is in hand; false: the pair is full (EAGAIN) or at
 * its end, which will be told. */
bool channel_send(struct channel *c, struct delivery *job);

/* Close and free it; jobs in hand are no more known to it. */
void channel_close(struct channel *c);

/* In a forked child: let go of all pairs. */
void channel_leave_all(void);

#endif
