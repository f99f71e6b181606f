/* The monitor's sessions: a place for each client. */
#include <stdlib.h>
#include "common/monitor/session.h"

/* For clients that come while evicted ones go. */
#define SPARE_PLACES 64

struct session_table sessions;

bool
session_prepare(size_t limit)
{
	sessions.limit = limit;
	sessions.max = limit + SPARE_PLACES;
	sessions.list = calloc(sessions.max, sizeof *sessions.list);
	return sessions.list != NULL;
}

uint32_t
session_ticket(struct session const *s)
{
	return (uint32_t)(s - sessions.list) << 16 | s->generation;
}

struct session *
session_of(uint32_t ticket)
{
	struct session *s = &sessions.list[(ticket >> 16) % sessions.max];

	return s->is_used && s->generation == (ticket & UINT16_MAX) ? s : NULL;
}

static struct session *
find_greedy(size_t rank)
{
	struct session *greedy = NULL;

	for (size_t i = 0; i < sessions.top; i++) {
		struct session *s = &sessions.list[i];
		if (s->is_used && s->pair >= 0 && s->rank > rank) {
			greedy = s;
			rank = s->rank;
		}
	}
	return greedy;
}

struct session *
session_place(struct client const *client, uint64_t most, size_t *rank_r,
	struct session **greedy_r)
{
	struct session *place = NULL;

	*rank_r = 1;
	*greedy_r = NULL;
	for (size_t i = 0; i < sessions.top; i++) {
		struct session *s = &sessions.list[i];
		if (s->is_used)
			*rank_r += client_same(&s->client, client);
		else if (place == NULL)
			place = s;
	}
	if (place == NULL && sessions.top < sessions.max)
		place = &sessions.list[sessions.top];
	if (*rank_r > most || place == NULL)
		return NULL;
	if (sessions.count < sessions.limit)
		return place;
	*greedy_r = find_greedy(*rank_r);
	return *greedy_r == NULL ? NULL : place;
}

void
session_clear(struct session *s, struct client const *client, size_t rank)
{
	*s = (struct session){.pair = -1,
		.status = -1,
		.attach = -1,
		.pipes = {-1, -1},
		.generation = (uint16_t)(s->generation + 1),
		.rank = rank,
		.client = *client};
}

void
session_use(struct session *s)
{
	s->is_used = true;
	sessions.count++;
	if (s >= sessions.list + sessions.top)
		sessions.top = (size_t)(s - sessions.list) + 1;
}

void
session_free(struct session *s)
{
	s->is_used = false;
	sessions.count--;
	while (sessions.top > 0 && !sessions.list[sessions.top - 1].is_used)
		sessions.top--;
}
