/* What becomes of a message. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include "common/log.h"
#include "queue/active.h"
#include "queue/bounce.h"
#include "queue/copy.h"
#include "queue/expand.h"
#include "queue/folders.h"
#include "queue/helpers.h"
#include "queue/host.h"
#include "queue/loop.h"
#include "queue/report.h"
#include "queue/schedule.h"
#include "queue/settle.h"
#include "queue/waiting.h"

bool
settle_is_own(struct queued const *m)
{
	return m->owner == host.accounts.queue && (m->q.flags & QUEUEFILE_OWN);
}

static void
remove_file(struct queued *m)
{
	if (unlinkat(folders.cur, m->q.id, 0) < 0)
		log_error("remove-failed", m->q.id, (char *)0);
	else
		report_removed(m);
	active_release(m);
}

void
settle_wait(struct queued *m)
{
	if (waiting_add(m->q.id, m->q.next))
		active_release(m);
	else
		m->again = settle_wait;
}

void
settle_take_over(struct queued *m)
{
	if (!helpers_add(HELPER_COPY, m, 0))
		m->again = settle_take_over;
}

static void
have_bounced(struct queued *m)
{
	if (!helpers_add(HELPER_BOUNCE, m, 0))
		m->again = have_bounced;
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

static void
defer(struct queued *m)
{
	if (m->q.attempts < UINT32_MAX)
		m->q.attempts++;
	m->q.next =
		loop_time() + schedule_delay(m->q.attempts, host.retry_first,
				      host.retry_max, randombytes_uniform(256));
	if (!settle_is_own(m)) {
		settle_take_over(m);
		return;
	}
	mark(m, true);
	settle_wait(m);
}

/* All recipients have been handled in this attempt. */
static void
settle(struct queued *m)
{
	if (queued_count(m, QUEUEFILE_TODO) > 0) {
		defer(m);
	} else if (queued_count(m, QUEUEFILE_FAILED) == 0) {
		remove_file(m);
	} else if (m->q.sender_len == 0) {
		log_event("dropped", m->q.id, "why", "no sender to tell",
			(char *)0);
		remove_file(m);
	} else {
		have_bounced(m);
	}
}

void
settle_note(struct queued *m, size_t recipient, char const *via,
	enum job_status status, char const *text, size_t len)
{
	static char const old[] = "4.4.7 given up, it is too old; last: ";
	char late[sizeof old + JOB_TEXT_MAX];

	if (status == JOB_RETRY && loop_time() >= m->q.expires) {
		memcpy(late, old, sizeof old - 1);
		/* For its sender this is final: class 5 (RFC 3463 3.5). */
		late[0] = '5';
		memcpy(late + sizeof old - 1, text, len);
		text = late;
		len += sizeof old - 1;
		status = JOB_FAILED;
	}
	queued_note(m, recipient,
		status == JOB_DONE     ? QUEUEFILE_DONE
		: status == JOB_FAILED ? QUEUEFILE_FAILED
				       : QUEUEFILE_TODO,
		text, len);
	report_result(m, recipient, via, status, text, len);
}

void
settle_note_text(struct queued *m, size_t recipient, enum job_status status,
	char const *text)
{
	settle_note(m, recipient, NULL, status, text, strlen(text));
}

static bool
has_changed(struct queued const *m)
{
	for (size_t i = 0; i < m->q.recipient_count; i++)
		if (m->fates[i].changed)
			return true;
	return false;
}

void
settle_over(struct queued *m)
{
	if (m->open == 0)
		settle(m);
	else if (settle_is_own(m) && has_changed(m))
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
			folders.tmp, folders.new_, host.name, loop_time(), m);
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
		settle_note_text(m, recipient, JOB_DONE, "expanded");
	else if (result == HELPER_LOOP)
		settle_note_text(m, recipient, JOB_FAILED,
			"5.4.6 the message went through this alias before");
	else
		settle_note_text(m, recipient, JOB_RETRY,
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
		if (result == HELPER_OK)
			remove_file(m);
		else
			m->again = have_bounced;
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
	if (!has_changed(m) || m->again != NULL)
		return;
	if (settle_is_own(m))
		mark(m, false);
	else
		settle_take_over(m);
}
