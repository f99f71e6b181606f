/* The messages in work. */
#include <string.h>
#include "queue/active.h"

/* Octets of envelopes in memory. */
#define WEIGHT_MAX (64 * 1024 * 1024)

static struct queued *first;
static size_t most, count, remote_count, weight;

/* Messages of a sender that are few. */
#define FEW 4
/* How many of those that go to other hosts each sender has. */
#define SENDERS 1024
static unsigned remote_of[SENDERS];

/* Ids end in chance. */
#define CHAINS 1024
static struct queued *chains[CHAINS];

static struct queued **
chain_of(char const *id)
{
	unsigned n = 0;

	for (size_t i = ID_LEN - 4; i < ID_LEN; i++)
		n = n * 31 + (unsigned char)id[i];
	return &chains[n % CHAINS];
}

struct queued *
active_find(char const *id)
{
	for (struct queued *m = *chain_of(id); m != NULL; m = m->chain)
		if (memcmp(m->q.id, id, ID_LEN) == 0)
			return m;
	return NULL;
}

void
active_init(size_t max)
{
	most = max;
}

void
active_enlist(struct queued *m)
{
	struct queued **chain = chain_of(m->q.id);

	m->chain = *chain;
	*chain = m;
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
	if (m->is_remote)
		return;
	m->is_remote = true;
	remote_count++;
	remote_of[m->sender % SENDERS]++;
}

void
active_release(struct queued *m)
{
	struct queued **chain = chain_of(m->q.id);

	while (*chain != m)
		chain = &(*chain)->chain;
	*chain = m->chain;
	if (m->before != NULL)
		m->before->after = m->after;
	else
		first = m->after;
	if (m->after != NULL)
		m->after->before = m->before;
	count--;
	weight -= m->weight;
	remote_count -= m->is_remote;
	remote_of[m->sender % SENDERS] -= m->is_remote;
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
active_has_many_remote(struct queued const *m)
{
	bool has_few = remote_of[m->sender % SENDERS] <= FEW;

	return remote_count >= most * (has_few ? 7 : 6) / 10;
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
