/* Messages that are not in memory. */
#include "common/log.h"
#include "queue/active.h"
#include "queue/idlist.h"
#include "queue/loop.h"
#include "queue/schedule.h"
#include "queue/waiting.h"

/* Messages that are called back in one go. */
#define SLICE 32

static struct schedule schedule;
static struct idlist ready;
static struct idlist remote_parked;

bool
waiting_add(char const *id, uint64_t when)
{
	return schedule_add(&schedule, id, when);
}

void
waiting_add_later(char const *id, uint64_t delay_s)
{
	if (!schedule_add(&schedule, id, loop_time() + delay_s))
		log_event("forgotten", id, "until", "restart", (char *)0);
}

void
waiting_add_ready(char const *id, uint64_t delay_s)
{
	if (delay_s > 0 || !idlist_add(&ready, id))
		waiting_add_later(id, delay_s);
}

bool
waiting_park_remote(char const *id)
{
	return idlist_add(&remote_parked, id);
}

void
waiting_unpark_remote(void)
{
	char id[ID_LEN + 1];

	while (ready.count < SLICE && active_has_few_remote() &&
		idlist_take(&remote_parked, id))
		waiting_add_ready(id, 0);
}

bool
waiting_take_ready(char id[ID_LEN + 1])
{
	return idlist_take(&ready, id);
}

bool
waiting_take_due(char id[ID_LEN + 1])
{
	return schedule_take(&schedule, loop_time(), id);
}

bool
waiting_has_any(void)
{
	return ready.count > 0 || schedule_next(&schedule) <= loop_time();
}

uint64_t
waiting_next(void)
{
	return schedule_next(&schedule);
}
