/* Messages that stand in line, each sender's in a line of his own. */
#include <stdlib.h>
#include "queue/fairlist.h"

bool
fairlist_add(struct fairlist *l, uint32_t sender, char const *id)
{
	if (l->lines == NULL)
		l->lines = calloc(FAIRLIST_LINES, sizeof *l->lines);
	if (l->lines == NULL ||
		!idlist_add(&l->lines[sender % FAIRLIST_LINES], id))
		return false;
	l->count++;
	return true;
}

bool
fairlist_take(struct fairlist *l, char id_r[ID_LEN + 1])
{
	if (l->count == 0)
		return false;
	while (!idlist_take(&l->lines[l->next], id_r))
		l->next = (l->next + 1) % FAIRLIST_LINES;
	l->next = (l->next + 1) % FAIRLIST_LINES;
	if (--l->count == 0)
		fairlist_free(l);
	return true;
}

void
fairlist_free(struct fairlist *l)
{
	for (int i = 0; l->lines != NULL && i < FAIRLIST_LINES; i++)
		idlist_free(&l->lines[i]);
	free(l->lines);
	*l = (struct fairlist)FAIRLIST_ZERO;
}
