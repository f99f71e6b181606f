/*
 * waiting.h - messages that are not in memory, and when they will be
 *
 * By their ids alone: those whose time will come, those that are to be loaded
 * as soon as there is room, and those that go to other hosts when too many do.
 * (Behind a busy destination there is a line of its own: destination.h.)
 */
#ifndef WAITING_H
#define WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/id.h"
#include "queue/queued.h"

/* It is due at m->q.next. False: no memory. */
bool waiting_add(struct queued const *m) __attribute__((warn_unused_result));

/* The same in delay_s seconds; without memory it waits for a restart, which is
 * logged. */
void waiting_add_later(char const *id, uint64_t delay_s);

/* It is to be loaded after delay_s seconds; 0: as soon as there is room. */
void waiting_add_ready(char const *id, uint64_t delay_s);

/* It waits until fewer messages go to other hosts; senders take turns. False:
 * no memory. */
bool waiting_park_remote(struct queued const *m)
	__attribute__((warn_unused_result));

/* Make ready some of these if there are few in work. */
void waiting_unpark_remote(void);

/* Make ready what waits for its time: all of it, what goes to a domain (in
 * lower case), or those of ids[0..count), which are sorted by memcmp. How many.
 */
size_t waiting_wake_all(void);
size_t waiting_wake_domain(char const *domain, size_t len);
size_t waiting_wake_ids(char (*ids)[ID_LEN], size_t count);

/* Forget that these wait. */
void waiting_forget_ids(char (*ids)[ID_LEN], size_t count);

/* Take one that is ready, or due. */
bool waiting_take_ready(char id_r[ID_LEN + 1]);
bool waiting_take_due(char id_r[ID_LEN + 1]);

/* How many there are; those behind a busy destination are not counted. */
size_t waiting_count(void);

/* Whether there is one that is ready or due. */
bool waiting_has_any(void);

/* When the first is due; UINT64_MAX: none. */
uint64_t waiting_next(void);

#endif
