/*
 * schedule.h - which message is tried next, and when
 *
 * A waiting message is a record of 32 octets; all else stays in its file. The
 * records are a binary heap by time. Times are seconds since 1970.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/id.h"

struct schedule_record {
	uint64_t next;
	char id[ID_LEN]; /* no NUL */
	uint64_t tag;	 /* where it goes: see schedule_tag */
};

struct schedule {
	struct schedule_record *heap;
	size_t count, room;
};
#define SCHEDULE_ZERO                                                          \
	{                                                                      \
		.heap = NULL                                                   \
	}

/* False: no memory; nothing changed. */
bool schedule_add(struct schedule *s, char const *id, uint64_t next,
	uint64_t tag) __attribute__((warn_unused_result));

/*
 * What is remembered of the domains that a message still has to go to: exact
 * for one of them; of several a few may be taken for it that are not. Start
 * with SCHEDULE_NOWHERE and add one after another, in lower case.
 * SCHEDULE_ANYWHERE: not known.
 */
#define SCHEDULE_NOWHERE UINT64_C(0)
#define SCHEDULE_ANYWHERE UINT64_MAX
uint64_t schedule_tag(uint64_t tag, char const *domain, size_t len);
bool schedule_goes_to(uint64_t tag, char const *domain, size_t len);

/* Take off all records that want says. */
typedef bool schedule_want(void *data, struct schedule_record const *record);
void schedule_pull(struct schedule *s, schedule_want *want, void *data);

/* The time of the first record, or UINT64_MAX if there is none. */
uint64_t schedule_next(struct schedule const *s);

/* Take the first record off if its time has come. */
bool schedule_take(struct schedule *s, uint64_t now, char id_r[ID_LEN + 1]);

void schedule_free(struct schedule *s);

/*
 * Seconds until the next try after the n-th deferral (n from 1): first,
 * doubled each time, at most max; then up to an eighth more or less, by chance
 * (0 to 255), so that what failed together does not come back together.
 */
uint64_t schedule_delay(
	uint32_t n, uint64_t first, uint64_t max, unsigned chance);

#endif
