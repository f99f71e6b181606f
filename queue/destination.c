/* Who has mail waiting. */
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "queue/destination.h"

/* Chains of the hash: destinations in work are some thousands at most. */
#define CHAINS 4096

static struct destination *chains[CHAINS];
static size_t count;

void
ring_push(struct ring *r, struct destination *d, enum destination_ring which)
{
	d->ring = which;
	d->ring_before = r->last;
	d->ring_after = NULL;
	if (r->last != NULL)
		r->last->ring_after = d;
	else
		r->first = d;
	r->last = d;
	r->count++;
}

void
ring_remove(struct ring *r, struct destination *d)
{
	if (d->ring_before != NULL)
		d->ring_before->ring_after = d->ring_after;
	else
		r->first = d->ring_after;
	if (d->ring_after != NULL)
		d->ring_after->ring_before = d->ring_before;
	else
		r->last = d->ring_before;
	d->ring_before = d->ring_after = NULL;
	d->ring = RING_NONE;
	r->count--;
}

/* Senders choose destinations: a keyed hash, so that they can't choose
 * chains. */
static size_t
chain_of(enum pool_kind pool, char const *name, size_t len)
{
	static unsigned char key[crypto_shorthash_KEYBYTES];
	static bool has_key;
	union {
		unsigned char octets[crypto_shorthash_BYTES];
		uint64_t n;
	} hash;

	if (!has_key)
		randombytes_buf(key, sizeof key);
	has_key = true;
	crypto_shorthash(hash.octets, (unsigned char const *)name, len, key);
	return (size_t)((hash.n ^ pool) % CHAINS);
}

struct destination *
destination_find(enum pool_kind pool, char const *name, size_t len, bool make)
{
	size_t chain = chain_of(pool, name, len);
	struct destination *d;

	for (d = chains[chain]; d != NULL; d = d->chain)
		if (d->pool == pool && d->name_len == len &&
			memcmp(d->name, name, len) == 0)
			return d;
	d = make ? calloc(1, sizeof *d + len + 1) : NULL;
	if (d == NULL)
		return NULL;
	d->pool = pool;
	d->name_len = len;
	memcpy(d->name, name, len);
	d->chain = chains[chain];
	chains[chain] = d;
	count++;
	return d;
}

/* How it went is remembered for as long again as it was held. */
static bool
is_idle(struct destination const *d, uint64_t now_ms)
{
	return d->first == NULL && d->channels == NULL && d->signing == 0 &&
	       d->ring == RING_NONE && d->parked.count == 0 &&
	       (d->held_until == 0 || d->held_until + d->hold_ms <= now_ms);
}

void
destination_purge(uint64_t now_ms)
{
	for (size_t i = 0; i < CHAINS; i++)
		for (struct destination **at = &chains[i]; *at != NULL;) {
			struct destination *d = *at;
			if (!is_idle(d, now_ms)) {
				at = &d->chain;
				continue;
			}
			*at = d->chain;
			free(d->reason);
			free(d);
			count--;
		}
}

void
destination_forgive(struct destination *d)
{
	d->held_until = 0;
	d->hold_ms = 0;
	d->failures = 0;
	d->window = 0;
}

void
destination_forgive_all(void)
{
	for (size_t i = 0; i < CHAINS; i++)
		for (struct destination *d = chains[i]; d != NULL; d = d->chain)
			destination_forgive(d);
}

size_t
destination_count(void)
{
	return count;
}

bool
destination_has_sender(struct destination const *d, uint32_t sender)
{
	for (struct delivery const *j = d->first; j != NULL; j = j->next)
		if (j->m->sender == sender)
			return true;
	return false;
}

void
destination_append(struct destination *d, struct delivery *job)
{
	struct delivery **at = &d->first;
	int priority = job->m->q.priority;

	while (*at != NULL && (*at)->m->q.priority > priority)
		at = &(*at)->next;
	job->round = 0;
	if (*at != NULL && (*at)->m->q.priority == priority)
		job->round = (*at)->round;
	for (struct delivery const *j = *at;
		j != NULL && j->m->q.priority == priority; j = j->next)
		if (j->m->sender == job->m->sender && j->round >= job->round)
			job->round = j->round + 1;
	while (*at != NULL && (*at)->m->q.priority == priority &&
		(*at)->round <= job->round)
		at = &(*at)->next;
	job->next = *at;
	*at = job;
	if (job->next == NULL)
		d->last = job;
	d->waiting++;
}

void
destination_prepend(struct destination *d, struct delivery *job)
{
	job->next = d->first;
	d->first = job;
	if (d->last == NULL)
		d->last = job;
	d->waiting++;
}

struct delivery *
destination_shift(struct destination *d)
{
	struct delivery *job = d->first;

	if (job == NULL)
		return NULL;
	d->first = job->next;
	if (d->first == NULL)
		d->last = NULL;
	job->next = NULL;
	d->waiting--;
	return job;
}
