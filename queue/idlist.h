/*
 * idlist.h - messages that stand in line, 16 octets each
 *
 * First in, first out. What waits behind a busy destination, or is still to be
 * looked at after a start, is kept so: by its id, all else in its file.
 */
#ifndef IDLIST_H
#define IDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include "common/id.h"

struct idlist {
	char (*ids)[ID_LEN]; /* a ring of room places */
	size_t first, count, room;
};
#define IDLIST_ZERO                                                            \
	{                                                                      \
		.ids = NULL                                                    \
	}

/* False: no memory; nothing changed. */
bool idlist_add(struct idlist *l, char const *id)
	__attribute__((warn_unused_result));
bool idlist_take(struct idlist *l, char id_r[ID_LEN + 1]);
void idlist_free(struct idlist *l);

#endif
