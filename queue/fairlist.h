/*
 * fairlist.h - messages that stand in line, each sender's in a line of his own
 *
 * As idlist.h, but the lines take turns: of two senders with messages in line
 * each gets every second turn, however many the other has. Senders share a few
 * lines by their numbers (sender.h).
 */
#ifndef FAIRLIST_H
#define FAIRLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "queue/idlist.h"

#define FAIRLIST_LINES 32

struct fairlist {
	struct idlist *lines; /* FAIRLIST_LINES; NULL while there is none */
	unsigned next;	      /* the line whose turn it is */
	size_t count;	      /* of all */
};
#define FAIRLIST_ZERO                                                          \
	{                                                                      \
		.lines = NULL                                                  \
	}

/* False: no memory; nothing changed. */
bool fairlist_add(struct fairlist *l, uint32_t sender, char const *id)
	__attribute__((warn_unused_result));
bool fairlist_take(struct fairlist *l, char id_r[ID_LEN + 1]);
void fairlist_free(struct fairlist *l);

#endif
