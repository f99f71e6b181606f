/* Messages that are not in memory. */
#include <stdlib.h>
#include <string.h>
#include "common/addr.h"
#include "common/log.h"
#include "queue/active.h"
#include "queue/fairlist.h"
#include "queue/idlist.h"
#include "queue/loop.h"
#include "queue/schedule.h"
#include "queue/waiting.h"

/* Messages that are called back in one go. */
#define SLICE 32

static struct schedule schedule;
static struct idlist ready;
static struct fairlist remote_parked;

/* Where it still has to go. */
static uint64_t
tag(struct queued const *m)
{
	uint64_t t = SCHEDULE_NOWHERE;

	for (size_t i = 0; i < m->q.recipient_count; i++) {
		struct queuefile_recipient const *r = &m->q.recipients[i];
		char domain[ADDR_DOMAIN_MAX];
		char const *at = memrchr(r->address, '@', r->address_len);
		size_t len;
		if (r->state != QUEUEFILE_TODO || at == NULL)
			continue;
		len = r->address_len - (size_t)(at + 1 - r->address);
		if (len > sizeof domain)
			continue;
		for (size_t k = 0; k < len; k++) {
			char c = at[1 + k];
			domain[k] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
		}
		t = schedule_tag(t, domain, len);
	}
	return t;
}

bool
waiting_add(struct queued const *m)
{
	return schedule_add(&schedule, m->q.id, m->q.next, tag(m));
}

void
waiting_add_later(char const *id, uint64_t delay_s)
{
	if (!schedule_add(
		    &schedule, id, loop_time() + delay_s, SCHEDULE_ANYWHERE))
		log_event("forgotten", id, "until", "restart", (char *)0);
}

void
waiting_add_ready(char const *id, uint64_t delay_s)
{
	if (delay_s > 0 || !idlist_add(&ready, id))
		waiting_add_later(id, delay_s);
}

bool
waiting_park_remote(struct queued const *m)
{
	return fairlist_add(&remote_parked, m->sender, m->q.id);
}

void
waiting_unpark_remote(void)
{
	char id[ID_LEN + 1];

	while (ready.count < SLICE && active_has_few_remote() &&
		fairlist_take(&remote_parked, id))
		waiting_add_ready(id, 0);
}

struct wish {
	char const *domain; /* NULL: all, or those of ids */
	size_t domain_len;
	char (*ids)[ID_LEN];
	size_t id_count;
	bool wakes; /* else they are forgotten */
	size_t count;
};

static int
compare_ids(void const *a, void const *b)
{
	return memcmp(a, b, ID_LEN);
}

static bool
is_wanted(void *data, struct schedule_record const *r)
{
	struct wish *w = data;
	char id[ID_LEN + 1];

	if (w->ids != NULL && bsearch(r->id, w->ids, w->id_count,
				      sizeof *w->ids, compare_ids) == NULL)
		return false;
	if (w->domain != NULL &&
		!schedule_goes_to(r->tag, w->domain, w->domain_len))
		return false;
	memcpy(id, r->id, ID_LEN);
	id[ID_LEN] = '\0';
	/* Without memory for it, it stays where it is. */
	if (w->wakes && !idlist_add(&ready, id))
		return false;
	w->count++;
	return true;
}

size_t
waiting_wake_all(void)
{
	struct wish w = {.wakes = true};

	schedule_pull(&schedule, is_wanted, &w);
	return w.count;
}

size_t
waiting_wake_domain(char const *domain, size_t len)
{
	struct wish w = {.wakes = true, .domain = domain, .domain_len = len};

	schedule_pull(&schedule, is_wanted, &w);
	return w.count;
}

size_t
waiting_wake_ids(char (*ids)[ID_LEN], size_t count)
{
	struct wish w = {.wakes = true, .ids = ids, .id_count = count};

	schedule_pull(&schedule, is_wanted, &w);
	return w.count;
}

void
waiting_forget_ids(char (*ids)[ID_LEN], size_t count)
{
	struct wish w = {.ids = ids, .id_count = count};

	schedule_pull(&schedule, is_wanted, &w);
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

size_t
waiting_count(void)
{
	return schedule.count + ready.count + remote_parked.count;
}

uint64_t
waiting_next(void)
{
	return schedule_next(&schedule);
}
