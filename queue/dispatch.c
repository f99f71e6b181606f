/* From a message to its deliveries. */
#include "queue/active.h"
#include "queue/deliveries.h"
#include "queue/dispatch.h"
#include "queue/helpers.h"
#include "queue/host.h"
#include "queue/settle.h"
#include "queue/waiting.h"

/* A message with more recipients is taken over before its first delivery. */
#define RECIPIENTS_UNCOPIED 16

/* How the recipients of the message in hand are routed. */
static struct {
	enum route_kind kind;
	struct destination *to;
} routes[QUEUEFILE_RECIPIENTS_MAX];

static void
find_routes(struct queued *m)
{
	static struct route r;

	for (size_t i = 0; i < m->q.recipient_count; i++) {
		struct queuefile_recipient const *to = &m->q.recipients[i];
		routes[i].to = NULL;
		if (m->fates[i].handled)
			continue;
		route_find_from(&host.tables, m->q.sender, m->q.sender_len,
			to->address, to->address_len, &r);
		routes[i].kind = r.kind;
		if (r.kind != ROUTE_LOCAL && r.kind != ROUTE_REMOTE)
			continue;
		routes[i].to = destination_find(
			r.kind == ROUTE_LOCAL ? POOL_LOCAL : POOL_REMOTE,
			r.name, r.name_len, true);
		if (routes[i].to == NULL)
			routes[i].kind = ROUTE_LATER;
		if (r.kind == ROUTE_REMOTE)
			active_is_remote(m);
	}
}

/* The one destination that all of its recipients wait for, or NULL. */
static struct destination *
only_destination(struct queued const *m)
{
	struct destination *only = NULL;

	for (size_t i = 0; i < m->q.recipient_count; i++) {
		if (m->fates[i].handled)
			continue;
		if (routes[i].to == NULL ||
			(only != NULL && routes[i].to != only))
			return NULL;
		only = routes[i].to;
	}
	return only;
}

/* Whether it stands in line from now on, because all of its recipients wait
 * for the same busy thing. Nothing has changed yet, so it can be let go of and
 * loaded again. */
static bool
park(struct queued const *m)
{
	struct destination *only = only_destination(m);

	if (only == NULL || deliveries_is_held(only))
		return false;
	if (deliveries_is_crowded(only))
		return idlist_add(&only->parked, m->q.id);
	return m->is_remote && active_has_many_remote() &&
	       waiting_park_remote(m->q.id);
}

/* Whether one more recipient fits into the frame of a job. */
static bool
fits(struct queuefile const *q, size_t recipient, size_t *octets)
{
	struct queuefile_recipient const *r = &q->recipients[recipient];
	size_t more = job_recipient_octets(r->address_len, r->orcpt_len);

	if (*octets + more > JOB_OCTETS_MAX)
		return false;
	*octets += more;
	return true;
}

static void
start_deliveries(struct queued *m)
{
	static char const many[] = "4.3.2 too many messages wait for it";
	uint16_t same[JOB_RECIPIENTS_MAX];
	size_t n = m->q.recipient_count;

	for (size_t i = 0; i < n; i++) {
		struct destination *to = routes[i].to;
		size_t most = to != NULL && to->pool == POOL_REMOTE
				      ? JOB_RECIPIENTS_MAX
				      : 1;
		size_t count = 0, octets = 0;
		if (to == NULL)
			continue;
		for (size_t k = i; k < n && count < most; k++)
			if (routes[k].to == to && fits(&m->q, k, &octets)) {
				same[count++] = (uint16_t)k;
				routes[k].to = NULL;
			}
		bool crowded =
			to->waiting >= 2 * DELIVERIES_LINE_MAX ||
			(to->pool == POOL_REMOTE && active_has_many_remote());
		if (!crowded && deliveries_add(to, m, same, count))
			continue;
		for (size_t k = 0; k < count; k++)
			settle_note(m, same[k], to->name, QUEUEFILE_TODO, many,
				sizeof many - 1);
	}
}

static void
start_others(struct queued *m)
{
	for (size_t i = 0; i < m->q.recipient_count; i++) {
		if (m->fates[i].handled)
			continue;
		switch (routes[i].kind) {
		case ROUTE_LOCAL:
		case ROUTE_REMOTE:
			break;
		case ROUTE_EXPAND:
			if (!helpers_add(HELPER_EXPAND, m, i))
				settle_note_text(m, i, QUEUEFILE_TODO,
					"4.3.0 no memory");
			break;
		case ROUTE_UNKNOWN:
			settle_note_text(m, i, QUEUEFILE_FAILED,
				"5.1.1 there is no such mailbox here");
			break;
		case ROUTE_INVALID:
			settle_note_text(m, i, QUEUEFILE_FAILED,
				"5.1.3 this is not a mail address");
			break;
		case ROUTE_HOLD:
			m->q.held = true;
			settle_note_text(
				m, i, QUEUEFILE_TODO, "4.3.0 held by a route");
			break;
		case ROUTE_LOOP:
			settle_note_text(m, i, QUEUEFILE_FAILED,
				"5.4.6 this alias leads to itself alone");
			break;
		case ROUTE_LATER:
			settle_note_text(m, i, QUEUEFILE_TODO,
				"4.3.5 a table of this host can't be read");
			break;
		}
	}
}

void
dispatch_start(struct queued *m)
{
	active_enlist(m);
	if (!settle_is_own(m) && m->q.recipient_count > RECIPIENTS_UNCOPIED) {
		settle_take_over(m);
		return;
	}
	find_routes(m);
	if (park(m)) {
		active_release(m);
		return;
	}
	m->is_routed = true;
	/* Held open while its parts are started: some answer at once. */
	m->open++;
	start_others(m);
	start_deliveries(m);
	m->open--;
	settle_over(m);
}
