/* The messages in work. */
#include "queue/active.h"

/* Octets of envelopes in memory. */
#define WEIGHT_MAX (64 * 1024 * 1024)

static struct queued *first;
static size_t most, count, remote_count, weight;

void
active_init(size_t max)
{
	most = max;
}

void
active_enlist(struct queued *m)
{
	m->before = NULL;
	m->after = first;
	if (first != NULL)
		first->before = m;
	first = m;
	count++;
	weight += m->weight;
}

void
active_is_remote(struct queued *m)
{
	remote_count += !m->is_remote;
	m->is_remote = true;
}

void
active_release(struct queued *m)
{
	if (m->before != NULL)
		m->before->after = m->after;
	else
		first = m->after;
	if (m->after != NULL)
		m->after->before = m->before;
	count--;
	weight -= m->weight;
	remote_count -= m->is_remote;
	queued_free(m);
}

bool
active_has_room(void)
{
	return count < most && weight < WEIGHT_MAX;
}

bool
active_has_room_for_due(void)
{
	return count < most / 2 && weight < WEIGHT_MAX / 2;
}

bool
active_has_many_remote(void)
{
	return remote_count >= most * 6 / 10;
}

bool
active_has_few_remote(void)
{
	return remote_count < most * 3 / 10;
}

size_t
active_count(void)
{
	return count;
}

struct queued *
active_first(void)
{
	return first;
}
