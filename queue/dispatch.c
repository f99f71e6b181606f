/* From a message to its deliveries. */
#include <string.h>
#include "queue/active.h"
#include "queue/deliveries.h"
#include "queue/dispatch.h"
#include "queue/forward.h"
#include "queue/helpers.h"
#include "queue/host.h"
#include "queue/sender.h"
#include "queue/settle.h"
#include "queue/signing.h"
#include "queue/waiting.h"

/* A message with more recipients is taken over before its first delivery. */
#define RECIPIENTS_UNCOPIED 16

/* How the recipients of the message in hand are routed. */
static struct {
	enum route_kind kind;
	struct destination *to;
} routes[QUEUEFILE_RECIPIENTS_MAX];

/* An address of ours that was made for forwarding leads on to another. */
static void
find_route(struct queued *m, size_t i, struct route *r)
{
	struct queuefile_recipient const *to = &m->q.recipients[i];
	char const *instead = m->fates[i].instead;

	if (instead == NULL)
		route_find_from(&host.tables, m->q.sender, m->q.sender_len,
			to->address, to->address_len, r);
	if (instead == NULL && r->kind == ROUTE_UNKNOWN)
		switch (forward_undo(m, i)) {
		case FORWARD_NOT:
			break;
		case FORWARD_DONE:
			instead = m->fates[i].instead;
			break;
		case FORWARD_FORGED:
			r->kind = ROUTE_FORGED;
			break;
		case FORWARD_LATER:
			r->kind = ROUTE_LATER;
			break;
		}
	if (instead != NULL)
		route_find_from(&host.tables, m->q.sender, m->q.sender_len,
			instead, strlen(instead), r);
}

/* Until the manager's own copy: that is tried once somebody has released it. */
static bool
is_held_by_dropper(struct queued const *m)
{
	return (m->q.flags & QUEUEFILE_HOLD) && !settle_is_own(m);
}

/* Of all that are to do, or of those that waited for the signature. */
static void
find_routes(struct queued *m, bool that_waited)
{
	static struct route r;

	for (size_t i = 0; i < m->q.recipient_count; i++) {
		routes[i].kind = ROUTE_LOCAL;
		routes[i].to = NULL;
		if (m->fates[i].handled || m->fates[i].waits != that_waited)
			continue;
		if (is_held_by_dropper(m)) {
			routes[i].kind = ROUTE_HOLD;
			continue;
		}
		find_route(m, i, &r);
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
	if (deliveries_is_crowded(only, m->sender))
		return fairlist_add(&only->parked, m->sender, m->q.id);
	return m->is_remote && active_has_many_remote(m) &&
	       waiting_park_remote(m);
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
		/* What has been signed had its place in line before. */
		bool crowded = !m->is_signed &&
			       (to->waiting >= 2 * DELIVERIES_LINE_MAX ||
				       (to->pool == POOL_REMOTE &&
					       active_has_many_remote(m)));
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
		case ROUTE_FORGED:
			/* It came from the null sender: who would be told? */
			settle_note_text(m, i, QUEUEFILE_TOLD,
				"5.1.1 this host did not make that address, "
				"or long ago");
			break;
		case ROUTE_INVALID:
			settle_note_text(m, i, QUEUEFILE_FAILED,
				"5.1.3 this is not a mail address");
			break;
		case ROUTE_HOLD:
			m->q.held = true;
			settle_note_text(m, i, QUEUEFILE_TODO,
				is_held_by_dropper(m)
					? "4.7.0 held: its sender wrote more "
					  "than usual"
					: "4.3.0 held by a route");
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

/* What goes to other hosts waits until it is signed; the rest does not. */
static void
hold_back(struct queued *m)
{
	struct destination *only = NULL;
	bool are_several = false;

	for (size_t i = 0; i < m->q.recipient_count; i++) {
		struct destination *to = routes[i].to;
		if (to == NULL || to->pool != POOL_REMOTE)
			continue;
		are_several = are_several || (only != NULL && only != to);
		only = to;
		m->fates[i].waits = true;
		routes[i].kind = ROUTE_LOCAL;
		routes[i].to = NULL;
	}
	if (only == NULL || are_several)
		return;
	m->sign_for = only;
	only->signing++;
}

void
dispatch_signed(struct queued *m)
{
	if (m->sign_for != NULL)
		m->sign_for->signing--;
	m->sign_for = NULL;
	if (m->is_signed)
		find_routes(m, true);
	m->open++;
	for (size_t i = 0; i < m->q.recipient_count; i++) {
		if (m->fates[i].waits && !m->is_signed)
			settle_note_text(m, i, QUEUEFILE_TODO,
				"4.3.0 it could not be signed now");
		m->fates[i].waits = false;
	}
	if (m->is_signed) {
		start_others(m);
		start_deliveries(m);
	}
	m->open--;
	settle_over(m);
}

void
dispatch_start(struct queued *m)
{
	bool is_unsigned;

	m->sender = sender_number(&host.accounts, m);
	active_enlist(m);
	if (!settle_is_own(m) && !is_held_by_dropper(m) &&
		m->q.recipient_count > RECIPIENTS_UNCOPIED) {
		settle_take_over(m);
		return;
	}
	find_routes(m, false);
	if (park(m)) {
		active_release(m);
		return;
	}
	m->is_routed = true;
	if (m->is_remote)
		forward_set_sender(m);
	is_unsigned = m->is_remote && signing_wants(m);
	if (is_unsigned)
		hold_back(m);
	/* Held open while its parts are started: some answer at once. */
	m->open++;
	start_others(m);
	start_deliveries(m);
	if (is_unsigned)
		signing_ask(m);
	m->open--;
	settle_over(m);
}
