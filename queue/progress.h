/*
 * progress.h - the life of a message, from new to its end
 *
 * Takes files from new into cur, routes their recipients, gathers the results,
 * and then removes the message, defers it, or has a bounce written first. A
 * bounded number of messages is in work; the others wait in their files.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/table.h"

struct progress_settings {
	int tables_fd;	      /* folder of the tables */
	char const *hostname; /* both stay the caller's */
	struct table const *settings;
	uint64_t lifetime, retry_first, retry_max; /* seconds */
	size_t active_max;
};

/* Opens the tables. errno. */
bool progress_init(struct progress_settings const *s)
	__attribute__((warn_unused_result));

/* Whether another message can be taken into work. */
bool progress_has_room(void);

/* Take new/name, if it is fit. */
void progress_take(char const *name);

/* cur/id was found at the start: note when it is due. */
void progress_found(char const *id);

/* Load what is due; some at a time. True: there is more to do at once. */
bool progress_run(void);

/* Milliseconds until the next message is due, at most max. */
int progress_timeout(int max);

/* Try again what could not be done. Every few seconds. */
void progress_tick(void);

/* At the end: keep the states that are in memory alone. */
void progress_save(void);

/* Messages in work, and those that wait for their time. */
size_t progress_active(void);
size_t progress_waiting(void);

#endif
