/*
 * copy.h - taking a message over
 *
 * A dropped file may still be open in its dropper. Before the manager keeps
 * anything in a file it copies the message into one of its own, with room for
 * reasons, and puts that in the place of the other. Runs in a helper.
 */
#ifndef COPY_H
#define COPY_H

#include "queue/helpers.h"

enum helper_result copy_over(int tmp_fd, int cur_fd, struct queued const *m);

#endif
