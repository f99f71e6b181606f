/* The saved result of a search; see saved.h. */
#include <stdlib.h>

#include "imapd/saved.h"

void
saved_clear(struct saved *saved)
{
	free(saved->v);
	*saved = (struct saved){0};
}

bool
saved_set(struct saved *saved, struct mailbox const *m, uint32_t const *found,
	size_t count)
{
	size_t ranges = 0;

	saved_clear(saved);
	for (size_t k = 0; k < count; k++)
		ranges += k == 0 || found[k] != found[k - 1] + 1;
	if (ranges == 0)
		return true;
	saved->v = malloc(ranges * sizeof *saved->v);
	if (saved->v == NULL)
		return false;
	for (size_t k = 0; k < count; k++) {
		uint32_t const uid = m->view.v[found[k]].uid;

		if (k == 0 || found[k] != found[k - 1] + 1)
			saved->v[saved->count++].first = uid;
		saved->v[saved->count - 1].last = uid;
	}
	return true;
}

void
saved_bits(struct saved const *saved, struct mailbox const *m, size_t exists,
	unsigned char *bits)
{
	for (size_t k = 0; k < saved->count; k++) {
		size_t i = mailbox_find_uid(m, saved->v[k].first);

		for (; i < exists && m->view.v[i].uid <= saved->v[k].last; i++)
			bits[i / 8] |= (unsigned char)(1u << i % 8);
	}
}
