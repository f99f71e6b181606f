/*
 * helpers.h - children that write for the manager
 *
 * What needs an fsync is done by forked children, so that nothing in the
 * manager's loop waits for a disk: copies, bounces, expanded aliases, marks.
 * A child takes several tasks and tells the result of each by an octet.
 */
#ifndef HELPERS_H
#define HELPERS_H

#include <stdbool.h>
#include <stddef.h>
#include "queue/queued.h"

enum helper_task {
	HELPER_COPY,   /* take the message over into a file of our own */
	HELPER_BOUNCE, /* tell its sender what became of it */
	HELPER_EXPAND  /* queue it anew for the targets of an alias */
};

enum helper_result {
	HELPER_OK = '+',
	HELPER_MANY = 'm',   /* the alias stands for several addresses */
	HELPER_FAILED = '-', /* no room, trouble: try again */
	HELPER_SHORT = 's',  /* the file is shorter than it was */
	HELPER_LOOP = 'l'    /* the alias is in Delivered-To already */
};

/* Does the work; called in the child. */
typedef enum helper_result helper_work(
	enum helper_task task, struct queued *m, size_t recipient);
/* Called in the manager; m->open was lowered. */
typedef void helper_done(enum helper_task task, struct queued *m,
	size_t recipient, enum helper_result result);

void helpers_init(helper_work *work, helper_done *done);

/* False: no memory, nothing done. Raises m->open. */
bool helpers_add(enum helper_task task, struct queued *m, size_t recipient)
	__attribute__((warn_unused_result));

/* Have fd synced by a child a moment later; fd is taken. */
void helpers_sync_later(int fd);

/* Start children for what waits. After each wait. */
void helpers_run(void);
/* With what was marked in the last moment, too. */
void helpers_sync_now(void);

/* Tasks that wait or run, and marks to be synced. */
size_t helpers_pending(void);

#endif
