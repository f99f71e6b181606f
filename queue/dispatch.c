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

/* Of a message for a list, so many recipients are under way at a time: a share
 * of what the manager can have in hand. */
#define PORTION 500
_Static_assert(PORTION <= QUEUEFILE_RECIPIENTS_MAX, "one has all its own");

/* How the recipients of the message in hand are routed, from m->begun on. */
static struct {
	enum route_kind kind;
	struct destination *to;
} routes[QUEUEFILE_RECIPIENTS_MAX];

/* Those of them that are looked at: a message, or a portion of one. */
struct portion {
	size_t from, end;
};

/* Messages with recipients that have not had their turn. */
static struct queued *rest_first, **rest_end = &rest_first;

/* An address of ours that was made for forwarding leads on to another. */
static void
find_route(struct queued *m, size_t i, struct route *r)
{
	struct queuefile_recipient const *to = &m->q.recipients[i];
	char const *instead = m->fates[i].instead;

	if (instead == NULL)
		route_find_from(&host.tables, m->q.sender, m->q.sender_len,
			to->address, to->address_len, r);
	/* An address may be newer than the tables in hand. */
	if (instead == NULL && (r->kind == ROUTE_UNKNOWN || r->is_caught)) {
		host_refresh_now();
		route_find_from(&host.tables, m->q.sender, m->q.sender_len,
			to->address, to->address_len, r);
	}
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

/* Of those that are to do and wait for this. */
static void
find_routes(struct queued *m, struct portion p, enum queued_waits waits)
{
	static struct route r;

	for (size_t i = p.from; i < p.end; i++) {
		size_t at = i - p.from;
		routes[at].kind = ROUTE_LOCAL;
		routes[at].to = NULL;
		if (m->fates[i].handled || m->fates[i].waits != waits)
			continue;
		if (is_held_by_dropper(m)) {
			routes[at].kind = ROUTE_HOLD;
			continue;
		}
		find_route(m, i, &r);
		routes[at].kind = r.kind;
		if (r.kind != ROUTE_LOCAL && r.kind != ROUTE_REMOTE)
			continue;
		routes[at].to = destination_find(
			r.kind == ROUTE_LOCAL ? POOL_LOCAL : POOL_REMOTE,
			r.name, r.name_len, true);
		if (routes[at].to == NULL)
			routes[at].kind = ROUTE_LATER;
		if (r.kind == ROUTE_REMOTE)
			active_is_remote(m);
	}
}

/* The one destination that all of its recipients wait for, or NULL. */
static struct destination *
only_destination(struct queued const *m, struct portion p)
{
	struct destination *only = NULL;

	for (size_t i = p.from; i < p.end; i++) {
		struct destination *to = routes[i - p.from].to;
		if (m->fates[i].handled)
			continue;
		if (to == NULL || (only != NULL && to != only))
			return NULL;
		only = to;
	}
	return only;
}

/* Whether it stands in line from now on, because all of its recipients wait
 * for the same busy thing. Nothing has changed yet, so it can be let go of and
 * loaded again. */
static bool
park(struct queued const *m, struct portion p)
{
	struct destination *only = only_destination(m, p);

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

/* Recipients that go into one job: those of one destination, but a copy of its
 * own for each where it is a list's. */
static size_t
most_together(struct queued const *m, struct destination const *to)
{
	return to->pool == POOL_LOCAL || (m->q.flags & QUEUEFILE_VERP)
		       ? 1
		       : JOB_RECIPIENTS_MAX;
}

/* Whether another job is too much for it. */
static bool
is_crowded(struct queued const *m, struct destination const *to)
{
	if (to->pool == POOL_REMOTE && active_has_many_remote(m))
		return true;
	return !(m->q.flags & QUEUEFILE_VERP) &&
	       to->waiting >= 2 * DELIVERIES_LINE_MAX;
}

/* has_place: it had its place in line before, as has what was signed and the
 * rest of a list. */
static void
start_deliveries(struct queued *m, struct portion p, bool has_place)
{
	static char const many[] = "4.3.2 too many messages wait for it";
	uint16_t same[JOB_RECIPIENTS_MAX];

	for (size_t i = p.from; i < p.end; i++) {
		struct destination *to = routes[i - p.from].to;
		size_t most, count = 0, octets = 0;
		if (to == NULL)
			continue;
		most = most_together(m, to);
		for (size_t k = i; k < p.end && count < most; k++)
			if (routes[k - p.from].to == to &&
				fits(&m->q, k, &octets)) {
				same[count++] = (uint16_t)k;
				routes[k - p.from].to = NULL;
			}
		if ((has_place || !is_crowded(m, to)) &&
			deliveries_add(to, m, same, count))
			continue;
		for (size_t k = 0; k < count; k++)
			settle_note(m, same[k], to->name, QUEUEFILE_TODO, many,
				sizeof many - 1);
	}
}

static void
start_others(struct queued *m, struct portion p)
{
	for (size_t i = p.from; i < p.end; i++) {
		if (m->fates[i].handled)
			continue;
		switch (routes[i - p.from].kind) {
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
		case ROUTE_REFUSED:
			settle_note_text(m, i, QUEUEFILE_FAILED,
				"5.2.1 the mailbox takes no mail");
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

static void
ask_for_all(struct queued *m, struct destination *only)
{
	m->is_asked = signing_ask(m, SIGNING_ALL);
	if (!m->is_asked) {
		dispatch_signed(m, SIGNING_ALL, false);
	} else if (only != NULL) {
		m->sign_for = only;
		only->signing++;
	}
}

/* What goes to other hosts waits until it is signed; the rest does not. */
static void
hold_back(struct queued *m, struct portion p)
{
	char fields[VERP_FIELDS_MAX];
	struct destination *only = NULL;
	bool are_several = false;

	for (size_t i = p.from; i < p.end; i++) {
		struct destination *to = routes[i - p.from].to;
		bool is_copy = queued_unsubscribe(m, i, fields) > 0;
		if (to == NULL || to->pool != POOL_REMOTE ||
			(!is_copy && m->is_signed))
			continue;
		routes[i - p.from].kind = ROUTE_LOCAL;
		routes[i - p.from].to = NULL;
		m->fates[i].waits =
			is_copy ? QUEUED_WAITS_COPY : QUEUED_WAITS_MESSAGE;
		if (is_copy) {
			if (!signing_ask(m, i))
				dispatch_signed(m, i, false);
			continue;
		}
		are_several = are_several || (only != NULL && only != to);
		only = to;
	}
	if (only != NULL)
		ask_for_all(m, are_several ? NULL : only);
}

void
dispatch_signed(struct queued *m, size_t recipient, bool is_done)
{
	struct portion p = {recipient, recipient + 1};
	enum queued_waits waits = QUEUED_WAITS_COPY;

	if (recipient == SIGNING_ALL) {
		if (m->sign_for != NULL)
			m->sign_for->signing--;
		m->sign_for = NULL;
		m->is_asked = false;
		p = (struct portion){m->begun_from, m->begun};
		waits = QUEUED_WAITS_MESSAGE;
	}
	if (is_done)
		find_routes(m, p, waits);
	m->open++;
	for (size_t i = p.from; i < p.end; i++) {
		if (m->fates[i].waits != waits)
			continue;
		m->fates[i].waits = QUEUED_WAITS_NOT;
		if (!is_done)
			settle_note_text(m, i, QUEUEFILE_TODO,
				"4.3.0 it could not be signed now");
	}
	if (is_done) {
		start_others(m, p);
		start_deliveries(m, p, true);
	}
	m->open--;
	settle_over(m);
}

/* The next of its recipients: all, or as many of a list's as may be under way.
 */
static struct portion
next_portion(struct queued *m)
{
	size_t count = m->q.recipient_count;
	struct portion p = {m->begun, count};

	if (m->q.flags & QUEUEFILE_VERP) {
		while (p.from < count && m->fates[p.from].handled)
			p.from++;
		if (count - p.from > PORTION)
			p.end = p.from + PORTION;
	}
	m->begun_from = p.from;
	m->begun = p.end;
	return p;
}

static void
start(struct queued *m, struct portion p)
{
	/* Held open while its parts are started: some answer at once. */
	m->open++;
	if (m->is_remote && signing_wants(m))
		hold_back(m, p);
	start_others(m, p);
	start_deliveries(m, p, p.from > 0);
	m->open--;
	settle_over(m);
}

void
dispatch_want_rest(struct queued *m)
{
	if (m->is_listed || m->is_asked || m->open >= PORTION / 2)
		return;
	m->is_listed = true;
	m->begin_next = NULL;
	*rest_end = m;
	rest_end = &m->begin_next;
}

bool
dispatch_run(void)
{
	struct queued *m = rest_first;
	struct portion p;

	if (m == NULL)
		return false;
	rest_first = m->begin_next;
	if (rest_first == NULL)
		rest_end = &rest_first;
	m->is_listed = false;
	if (queued_has_rest(m)) {
		p = next_portion(m);
		find_routes(m, p, QUEUED_WAITS_NOT);
		if (m->is_remote)
			forward_set_sender(m);
		start(m, p);
	} else {
		/* A command has ended it. */
		settle_over(m);
	}
	return rest_first != NULL;
}

void
dispatch_start(struct queued *m)
{
	struct portion p;

	m->sender = sender_number(&host.accounts, m);
	active_enlist(m);
	if (!settle_is_own(m) && !is_held_by_dropper(m) &&
		m->q.recipient_count > RECIPIENTS_UNCOPIED) {
		settle_take_over(m);
		return;
	}
	p = next_portion(m);
	find_routes(m, p, QUEUED_WAITS_NOT);
	if (park(m, p)) {
		active_release(m);
		return;
	}
	m->is_routed = true;
	if (m->is_remote)
		forward_set_sender(m);
	start(m, p);
}
