/*
 * progress.h - the life of a message, driven
 *
 * Ties together what a message goes through: intake takes it from new into cur
 * or loads it again, dispatch routes its recipients, deliveries have it
 * delivered, settle removes it, defers it, or has a bounce written first. A
 * bounded number is in work (active); the others wait in their files (waiting).
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include "common/table.h"

/* After host_open. active_max: messages in work. */
void progress_init(struct table const *settings, size_t active_max);

/* Load what is due; some at a time. True: there is more to do at once. */
bool progress_run(void);

/* Milliseconds until the next message is due, at most max. */
int progress_timeout(int max);

/* Try again what could not be done. Every few seconds. */
void progress_tick(void);

/* Write what became of recipients. Twice a second. */
void progress_mark(void);

/* At the end: keep the states that are in memory alone. */
void progress_save(void);

#endif
