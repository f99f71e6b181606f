/* Messages that stand in line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "queue/idlist.h"

static bool
make_room(struct idlist *l)
{
	size_t room = l->room > 0 ? l->room * 2 : 16, tail;
	char(*ids)[ID_LEN];

	if (l->count < l->room)
		return true;
	if (room > SIZE_MAX / sizeof *ids)
		return false;
	ids = malloc(room * sizeof *ids);
	if (ids == NULL)
		return false;
	/* The line in one piece again, from the start of the new ring. */
	tail = l->room - l->first;
	if (l->count > 0) {
		memcpy(ids, l->ids + l->first, tail * sizeof *ids);
		memcpy(ids + tail, l->ids, l->first * sizeof *ids);
	}
	free(l->ids);
	*l = (struct idlist){.ids = ids, .count = l->count, .room = room};
	return true;
}

bool
idlist_add(struct idlist *l, char const *id)
{
	if (!make_room(l))
		return false;
	memcpy(l->ids[(l->first + l->count++) & (l->room - 1)], id, ID_LEN);
	return true;
}

bool
idlist_take(struct idlist *l, char id_r[ID_LEN + 1])
{
	if (l->count == 0)
		return false;
	memcpy(id_r, l->ids[l->first], ID_LEN);
	id_r[ID_LEN] = '\0';
	l->first = (l->first + 1) & (l->room - 1);
	if (--l->count == 0)
		idlist_free(l);
	return true;
}

void
idlist_free(struct idlist *l)
{
	free(l->ids);
	*l = (struct idlist)IDLIST_ZERO;
}
