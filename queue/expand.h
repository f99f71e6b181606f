/*
 * expand.h - a message for an alias, queued anew for its targets
 */
#ifndef EXPAND_H
#define EXPAND_H

#include "queue/helpers.h"
#include "queue/route.h"

/* Runs in a helper: one new queue file with the same sender. */
enum helper_result expand_alias(int tmp_fd, int new_fd,
	struct route_tables const *t, struct queued const *m, size_t recipient);

#endif
