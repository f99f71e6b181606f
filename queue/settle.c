/* What becomes of a message. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include "common/log.h"
#include "queue/active.h"
#include "queue/bounce.h"
#include "queue/copy.h"
#include "queue/dispatch.h"
#include "queue/dsn.h"
#include "queue/expand.h"
#include "queue/folders.h"
#include "queue/helpers.h"
#include "queue/host.h"
#include "queue/loop.h"
#include "queue/report.h"
#include "queue/schedule.h"
#include "queue/settle.h"
#include "queue/waiting.h"

/* Recipients of one message. */
#define MARKS_TOGETHER 64

bool
settle_is_own(struct queued const *m)
{
	return m->owner == host.accounts.queue && (m->q.flags & QUEUEFILE_OWN);
}

static void
remove_file(struct queued *m)
{
	if (unlinkat(folders.cur, m->q.id, 0) < 0 && errno != ENOENT) {
		/* It must not come back at the next start. */
		log_error("remove-failed", m->q.id, (char *)0);
		m->again = remove_file;
		return;
	}
	report_removed(m);
	active_release(m);
}

void
settle_wait(struct queued *m)
{
	if (m->q.held) {
		log_event("on-hold", m->q.id, (char *)0);
		active_release(m);
	} else if (waiting_add(m)) {
		active_release(m);
	} else {
		m->again = settle_wait;
	}
}

void
settle_take_over(struct queued *m)
{
	if (!helpers_add(HELPER_COPY, m, 0))
		m->again = settle_take_over;
}

/* Marks in the file, in place, what memory knows. */
static void
mark(struct queued *m, bool with_schedule)
{
	int fd =
		openat(folders.cur, m->q.id, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && queued_mark(m, fd, with_schedule)) {
		helpers_sync_later(fd);
		return;
	}
	/* At worst a delivery is repeated after a crash. */
	log_error("mark-failed", m->q.id, (char *)0);
	if (fd >= 0)
		close(fd);
}

/* When its sender is told that it is late: counted from its release, where it
 * was held back (RFC 4865). */
static uint64_t
warn_time(struct queuefile const *q)
{
	uint64_t start = q->arrived / 1000000;

	if (q->expires > host.lifetime && q->expires - host.lifetime > start)
		start = q->expires - host.lifetime;
	return host.delay_warning > 0 ? start + host.delay_warning : UINT64_MAX;
}

/* The next try is not put off beyond t, if that is still to come. */
static void
not_after(struct queuefile *q, uint64_t t)
{
	if (t > loop_time() && q->next > t)
		q->next = t;
}

static void
defer(struct queued *m)
{
	if (m->q.attempts < UINT32_MAX)
		m->q.attempts++;
	m->q.next =
		loop_time() + schedule_delay(m->q.attempts, host.retry_first,
				      host.retry_max, randombytes_uniform(256));
	if (m->q.deliver_by > 0)
		not_after(&m->q, m->q.deliver_by);
	if (!m->q.warned && m->q.sender_len > 0 &&
		!(m->q.flags & QUEUEFILE_VERP))
		not_after(&m->q, warn_time(&m->q));
	settle_keep(m);
}

void
settle_keep(struct queued *m)
{
	m->is_routed = true;
	if (!settle_is_own(m) || m->q.marks_offset == 0) {
		settle_take_over(m);
		return;
	}
	mark(m, true);
	settle_wait(m);
}

/* All recipients have been handled in this attempt, and who is to hear of it
 * has. */
static void
go_on(struct queued *m)
{
	if (queued_count(m, QUEUEFILE_TODO) == 0)
		remove_file(m);
	else if (m->q.held)
		settle_keep(m);
	else
		defer(m);
}

static bool
is_late(struct queued const *m)
{
	struct queuefile const *q = &m->q;
	uint64_t now = loop_time();

	/* A list has no use for thousands of them. */
	if (q->warned || q->sender_len == 0 || (q->flags & QUEUEFILE_VERP) ||
		(now < warn_time(q) &&
			(q->by_mode != 'N' || now < q->deliver_by)))
		return false;
	for (size_t i = 0; i < q->recipient_count; i++)
		if (q->recipients[i].state == QUEUEFILE_TODO &&
			dsn_wants_delay(q, &q->recipients[i]))
			return true;
	return false;
}

static void
have_reported(struct queued *m)
{
	if (!helpers_add(HELPER_BOUNCE, m, 0))
		m->again = have_reported;
}

static void
give_up(struct queued *m)
{
	for (size_t i = 0; i < m->q.recipient_count; i++)
		if (m->q.recipients[i].state == QUEUEFILE_TODO)
			settle_note_text(m, i, QUEUEFILE_FAILED,
				"5.0.0 given up by the postmaster");
}

static void
settle(struct queued *m)
{
	if (m->is_dropped) {
		log_event("dropped", m->q.id, "why", "by command", (char *)0);
		remove_file(m);
		return;
	}
	if (m->is_given_up)
		give_up(m);
	m->is_late = is_late(m);
	if (m->is_late || queued_owes_report(m))
		have_reported(m);
	else
		go_on(m);
}

/* The time after which what is not delivered is returned, and why. */
static uint64_t
end_time(struct queuefile const *q, char const **why_r)
{
	*why_r = "5.4.7 given up, it is too old; last: ";
	if (q->by_mode != 'R' || q->deliver_by >= q->expires)
		return q->expires;
	*why_r = "5.4.7 not delivered by the time asked for; last: ";
	return q->deliver_by;
}

/* What is owed when all that its sender wants to hear is regarded (RFC 3461
 * 4.1, 5.2; RFC 2852 4). */
static enum queuefile_state
owed(struct queued const *m, struct queuefile_recipient const *r,
	enum queuefile_state state)
{
	bool never = r->notify & QUEUEFILE_NOTIFY_NEVER;
	bool success = r->notify & QUEUEFILE_NOTIFY_SUCCESS;

	switch (state) {
	case QUEUEFILE_RELAYED:
		/* RFC 2852: the time can't be kept there. */
		success = success ||
			  ((m->q.by_mode == 'N' || m->q.by_trace) && !never);
		break;
	case QUEUEFILE_FAILED:
		if (m->q.flags & QUEUEFILE_DOUBLE) {
			log_event("dropped", m->q.id, "why",
				"a report of a report failed", (char *)0);
			return QUEUEFILE_TOLD;
		}
		return r->notify == 0 || (r->notify & QUEUEFILE_NOTIFY_FAILURE)
			       ? QUEUEFILE_FAILED
			       : QUEUEFILE_TOLD;
	case QUEUEFILE_TODO:
	case QUEUEFILE_TOLD:
		return state;
	case QUEUEFILE_DONE:
	case QUEUEFILE_DELIVERED:
	case QUEUEFILE_EXPANDED_TO:
		break;
	}
	return success && m->q.sender_len > 0 ? state : QUEUEFILE_DONE;
}

void
settle_note(struct queued *m, size_t recipient, char const *via,
	enum queuefile_state state, char const *text, size_t len)
{
	char late[64 + JOB_TEXT_MAX];
	char const *why;
	uint64_t end = end_time(&m->q, &why);

	if (state == QUEUEFILE_TODO && loop_time() >= end) {
		size_t n;

		if (len >= 5 && memcmp(text, "4.2.2", 5) == 0)
			why = "5.2.2 the mailbox stayed full; last: ";
		n = strlen(why);
		memcpy(late, why, n);
		memcpy(late + n, text, len);
		text = late;
		len += n;
		state = QUEUEFILE_FAILED;
	}
	state = owed(m, &m->q.recipients[recipient], state);
	queued_note(m, recipient, state, text, len);
	report_result(m, recipient, via, state, text, len);
}

void
settle_note_text(struct queued *m, size_t recipient, enum queuefile_state state,
	char const *text)
{
	settle_note(m, recipient, NULL, state, text, strlen(text));
}

/* Those of a message for many are written together. */
static bool
is_time_to_mark(struct queued const *m)
{
	return settle_is_own(m) && m->unmarked > 0 &&
	       (m->q.recipient_count <= MARKS_TOGETHER ||
		       m->unmarked >= MARKS_TOGETHER);
}

void
settle_over(struct queued *m)
{
	bool has_rest = queued_has_rest(m);

	/* What is listed is come back to. */
	if (m->open == 0 && !has_rest && !m->is_listed) {
		settle(m);
		return;
	}
	if (is_time_to_mark(m))
		mark(m, false);
	if (has_rest)
		dispatch_want_rest(m);
}

void
settle_mark(struct queued *m)
{
	if (settle_is_own(m) && m->unmarked > 0 && m->again == NULL)
		mark(m, false);
}

static enum helper_result
work(enum helper_task task, struct queued *m, size_t recipient)
{
	switch (task) {
	case HELPER_COPY:
		return copy_over(folders.tmp, folders.cur, m);
	case HELPER_BOUNCE:
		return bounce_write(
			&(struct bounce_place){.tmp_fd = folders.tmp,
				.new_fd = folders.new_,
				.hostname = host.name,
				.now = loop_time()},
			m);
	case HELPER_EXPAND:
		return expand_alias(
			folders.tmp, folders.new_, &host.tables, m, recipient);
	}
	return HELPER_FAILED;
}

static void
on_copied(struct queued *m, enum helper_result result)
{
	char id[ID_LEN + 1];

	if (result == HELPER_SHORT) {
		folders_refuse(
			folders.cur, m->q.id, queued_strerror(QUEUED_SHORT));
		active_release(m);
	} else if (result != HELPER_OK) {
		m->again = settle_take_over;
	} else if (m->is_routed) {
		settle_wait(m);
	} else {
		memcpy(id, m->q.id, sizeof id);
		active_release(m);
		waiting_add_ready(id, 0);
	}
}

static void
on_expanded(struct queued *m, size_t recipient, enum helper_result result)
{
	if (result == HELPER_OK)
		settle_note_text(m, recipient, QUEUEFILE_DONE, "forwarded");
	else if (result == HELPER_MANY)
		settle_note_text(
			m, recipient, QUEUEFILE_EXPANDED_TO, "expanded");
	else if (result == HELPER_LOOP)
		settle_note_text(m, recipient, QUEUEFILE_FAILED,
			"5.4.6 the message went through this alias before");
	else
		settle_note_text(m, recipient, QUEUEFILE_TODO,
			"4.3.0 the alias could not be expanded now");
	settle_over(m);
}

static void
on_done(enum helper_task task, struct queued *m, size_t recipient,
	enum helper_result result)
{
	switch (task) {
	case HELPER_COPY:
		on_copied(m, result);
		break;
	case HELPER_BOUNCE:
		if (result != HELPER_OK) {
			m->again = have_reported;
			break;
		}
		queued_told(m);
		m->q.warned = m->q.warned || m->is_late;
		go_on(m);
		break;
	case HELPER_EXPAND:
		on_expanded(m, recipient, result);
		break;
	}
}

void
settle_init(void)
{
	helpers_init(work, on_done);
}

void
settle_save(struct queued *m)
{
	if (m->unmarked == 0 || m->again != NULL)
		return;
	if (settle_is_own(m))
		mark(m, false);
	else
		settle_take_over(m);
}
