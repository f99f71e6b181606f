/* The life of a message. */
#include <string.h>
#include "common/settings.h"
#include "queue/active.h"
#include "queue/deliveries.h"
#include "queue/dispatch.h"
#include "queue/forward.h"
#include "queue/host.h"
#include "queue/intake.h"
#include "queue/loop.h"
#include "queue/progress.h"
#include "queue/room.h"
#include "queue/settle.h"
#include "queue/signing.h"
#include "queue/waiting.h"

/* Messages loaded in one go, between events. */
#define SLICE 32

/* Those who accept mail refuse it for a mailbox that is full. */
static void
tell_room(struct destination const *to, enum job_status status,
	char const *text, size_t len)
{
	bool const is_full = status == JOB_RETRY && len >= 5 &&
			     memcmp(text, "4.2.2", 5) == 0;

	if (is_full || status == JOB_DONE)
		room_mailbox(to->name, to->name_len, is_full, loop_time());
}

static void
on_result(struct queued *m, size_t recipient, struct destination const *to,
	enum job_status status, char const *text, size_t len)
{
	enum queuefile_state state = QUEUEFILE_TODO;

	switch (status) {
	case JOB_DONE:
		/* A host that takes DSN reports by itself. */
		if (to->pool == POOL_LOCAL)
			state = QUEUEFILE_DELIVERED;
		else
			state = m->q.by_trace ? QUEUEFILE_RELAYED
					      : QUEUEFILE_DONE;
		break;
	case JOB_RELAYED:
		state = QUEUEFILE_RELAYED;
		break;
	case JOB_FAILED:
		state = QUEUEFILE_FAILED;
		break;
	case JOB_RETRY:
		break;
	}
	if (to->pool == POOL_LOCAL)
		tell_room(to, status, text, len);
	settle_note(m, recipient, to->name, state, text, len);
}

static unsigned
number(struct table const *settings, char const *key, unsigned otherwise)
{
	return (unsigned)settings_number(settings, key, otherwise);
}

void
progress_init(struct table const *settings, size_t active_max)
{
	static struct deliveries_events const events = {.result = on_result,
		.over = settle_over,
		.unpark = waiting_add_ready};
	struct pool_limits const limits[POOLS] = {
		[POOL_LOCAL] = {.channels = number(
					settings, "local-concurrency", 200),
			.per_destination = 1,
			.in_hand = 16,
			.quantum = 20,
			.idle_ms = 2000,
			.job_ms = 900000,
			.hold_ms = host.retry_first * 1000},
		[POOL_REMOTE] = {
			.channels = number(settings, "remote-concurrency", 100),
			.per_destination = number(settings,
				"remote-concurrency-per-destination", 10),
			.in_hand = 2,
			.quantum = 20,
			.idle_ms = 5000,
			.job_ms = 10800000,
			.hold_ms = host.retry_first * 1000,
			.hold_max_ms = host.retry_max * 1000}};

	signing_init(settings, dispatch_signed);
	forward_open(host.tables_fd, settings);
	active_init(active_max);
	deliveries_init(&events, limits);
	settle_init();
}

bool
progress_run(void)
{
	char id[ID_LEN + 1];
	int n;

	if (waiting_has_any())
		host_refresh();
	waiting_unpark_remote();
	for (n = 0; n < SLICE && active_has_room(); n++) {
		if (!waiting_take_ready(id))
			break;
		intake_load(id);
	}
	for (; n < SLICE && active_has_room_for_due(); n++) {
		if (!waiting_take_due(id))
			break;
		intake_load(id);
	}
	return dispatch_run() || n == SLICE;
}

int
progress_timeout(int max)
{
	uint64_t next = waiting_next(), now = loop_time();

	/* Without room the end of a delivery wakes us. */
	if (!active_has_room_for_due() || next >= now + (uint64_t)max / 1000)
		return max;
	return next <= now ? 0
			   : (int)((next - now) * 1000 -
				     loop_time_us() / 1000 % 1000);
}

void
progress_tick(void)
{
	struct queued *m, *after;

	for (m = active_first(); m != NULL; m = after) {
		void (*again)(struct queued *) = m->again;
		after = m->after;
		m->again = NULL;
		if (again != NULL)
			again(m);
	}
}

void
progress_mark(void)
{
	for (struct queued *m = active_first(); m != NULL; m = m->after)
		settle_mark(m);
}

void
progress_save(void)
{
	for (struct queued *m = active_first(); m != NULL; m = m->after)
		settle_save(m);
}
