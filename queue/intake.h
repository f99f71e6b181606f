/*
 * intake.h - bringing files of the queue into work
 *
 * What stands in a file is foreign, unless it is the manager's own: it is
 * checked by form, by the rights of its owner, and its times are bounded, each
 * time it is read.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include "queue/queued.h"

/* Take new/name into cur, if it is fit, and begin with it. */
void intake_take(char const *name);

/* cur/id was found at the start: note when it is due. */
void intake_found(char const *id);

/* Load cur/id, for a command. NULL: it can't be, which was logged. */
struct queued *intake_open(char const *id);

/* Load cur/id again and go on with it, unless it is in work or held. */
void intake_load(char const *id);

#endif
