/*
 * active.h - the messages in work
 *
 * Their number is bounded, and so is the memory that their envelopes take.
 * Half of both is for what has been tried before, so that new mail finds room;
 * what goes to other hosts, and may be slow, gets six tenths, and a seventh for
 * senders that have few messages among it.
 */
#ifndef ACTIVE_H
#define ACTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include "queue/queued.h"

/* max: messages. */
void active_init(size_t max);

void active_enlist(struct queued *m);

/* It goes through a remote: counted until its release, also for its sender,
 * which does not change any more. */
void active_is_remote(struct queued *m);

/* The one with this id, or NULL. */
struct queued *active_find(char const *id);

/* Take m off the list and free it. */
void active_release(struct queued *m);

/* Whether another message can be taken into work: a new one, and one that was
 * tried before. */
bool active_has_room(void);
bool active_has_room_for_due(void);

/* Whether too many go to other hosts, which m does; who has few among them may
 * add to them for longer. And whether these have become few. */
bool active_has_many_remote(struct queued const *m);
bool active_has_few_remote(void);

size_t active_count(void);

/* The first; the others are behind it by m->after. */
struct queued *active_first(void);

#endif
