/*
 * queue_stats.h - what waits in the queue, by destination and age
 */
#ifndef QUEUE_STATS_H
#define QUEUE_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "common/admin/queue_file.h"

/* Columns: younger than so many seconds, the last one the rest. */
#define QUEUE_STATS_AGES 6

struct queue_stats_domain {
	char name[256];
	uint64_t counts[QUEUE_STATS_AGES];
	uint64_t total;
};

struct queue_stats {
	uint64_t now;
	struct queue_stats_domain *domains;
	size_t count, room;
	struct queue_stats_domain all; /* each message once */
	bool failed;		       /* no memory */
};

/* Count one message, once for each domain that it still has to go to. */
void queue_stats_add(struct queue_stats *s, struct queue_file const *file);

void queue_stats_print(FILE *out, struct queue_stats *s, bool json);
void queue_stats_free(struct queue_stats *s);

#endif
