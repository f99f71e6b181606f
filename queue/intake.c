/* Bringing files of the queue into work. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/drop.h"
#include "common/log.h"
#include "queue/active.h"
#include "queue/dispatch.h"
#include "queue/folders.h"
#include "queue/host.h"
#include "queue/intake.h"
#include "queue/loop.h"
#include "queue/obey.h"
#include "queue/report.h"
#include "queue/settle.h"
#include "queue/waiting.h"

/* Seconds after which a file that is shorter than it says is nobody's. */
#define SHORT_AGE 3600
/* Seconds until a file that could not be read is tried again. */
#define TROUBLE_DELAY 60

static bool
is_own(struct queued const *m)
{
	return m->owner == host.accounts.queue && (m->q.flags & QUEUEFILE_OWN);
}

/* Times and counts that a dropper wrote are bounded by our own. */
static void
bound(struct queued *m)
{
	uint64_t now = loop_time(), limit;

	if (m->owner != host.accounts.queue)
		m->q.attempts = 0;
	if (m->q.arrived == 0 || m->q.arrived > loop_time_us())
		m->q.arrived = loop_time_us();
	limit = m->q.arrived / 1000000;
	if (m->q.next > limit + host.release_max && !is_own(m))
		m->q.next = limit + host.release_max;
	/* What is held back by its sender (RFC 4865) lives from then on. */
	if (!is_own(m) && m->q.next > limit)
		limit = m->q.next;
	else if (is_own(m))
		limit += host.release_max;
	limit += host.lifetime;
	if (m->q.expires == 0 || m->q.expires > limit)
		m->q.expires = limit;
	if (m->q.next > m->q.expires)
		m->q.next = now < m->q.expires ? m->q.expires : now;
}

static enum owner_verdict
judge(struct queued const *m, char const **why)
{
	return owner_judge(&host.accounts, &host.tables, m->owner, &m->q, why);
}

/* A file in cur that can't be loaded now, or never. */
static void
put_aside(char const *id, enum queued_error error)
{
	if (error == QUEUED_TROUBLE)
		waiting_add_later(id, TROUBLE_DELAY);
	else if (error != QUEUED_GONE)
		folders_refuse(folders.cur, id, queued_strerror(error));
}

struct queued *
intake_open(char const *id)
{
	enum queued_error error;
	enum owner_verdict verdict;
	struct stat st = {0};
	char const *why;
	struct queued *m = queued_load(folders.cur, id, &st, &error);

	if (m == NULL) {
		put_aside(id, error);
		return NULL;
	}
	verdict = judge(m, &why);
	if (verdict == OWNER_MAY) {
		bound(m);
		return m;
	}
	queued_free(m);
	if (verdict == OWNER_LATER)
		waiting_add_later(id, TROUBLE_DELAY);
	else
		folders_refuse(folders.cur, id, why);
	return NULL;
}

void
intake_load(char const *id)
{
	struct queued *m;

	if (active_find(id) != NULL || (m = intake_open(id)) == NULL)
		return;
	if (m->q.held)
		queued_free(m);
	else
		dispatch_start(m);
}

void
intake_found(char const *id)
{
	enum queued_error error;
	struct stat st = {0};
	struct queued *m = queued_load(folders.cur, id, &st, &error);

	if (m == NULL) {
		put_aside(id, error);
		return;
	}
	if (m->q.held)
		log_event("on-hold", id, (char *)0);
	else if (!waiting_add(m))
		waiting_add_later(id, TROUBLE_DELAY);
	queued_free(m);
}

static bool
is_drop_name(char const *name)
{
	return strlen(name) == DROP_NAME_LEN && name[ID_LEN] == '.' &&
	       id_valid(name, ID_LEN);
}

/* A file in new that can't be taken now, or never. */
static void
leave(char const *name, struct stat const *st, enum queued_error error)
{
	if (error == QUEUED_GONE || error == QUEUED_TROUBLE)
		return;
	/* Its dropper may not have synced it yet. */
	if (error == QUEUED_SHORT &&
		(uint64_t)st->st_mtime + SHORT_AGE > loop_time())
		return;
	folders_refuse(folders.new_, name, queued_strerror(error));
}

/* From new into cur. An id that is in use there, by a dropper's doing or after
 * a crash, is replaced: in cur the name of a file counts. */
static bool
move_to_cur(char const *name, struct queued *m)
{
	char old[ID_LEN + 1];

	if (renameat2(folders.new_, name, folders.cur, m->q.id,
		    RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EEXIST)
		return false;
	memcpy(old, m->q.id, sizeof old);
	id_make(m->q.id);
	if (renameat2(folders.new_, name, folders.cur, m->q.id,
		    RENAME_NOREPLACE) < 0)
		return false;
	log_event("renamed", m->q.id, "was", old, (char *)0);
	return true;
}

/* A command is obeyed at once, and its file is done with. */
static void
take_command(char const *name, struct queued *m)
{
	char const *why;
	enum owner_verdict verdict =
		owner_judge_command(&host.accounts, m->owner, &m->q, &why);

	if (verdict == OWNER_MAY && unlinkat(folders.new_, name, 0) == 0)
		obey(&m->q);
	else if (verdict != OWNER_MAY)
		folders_refuse(folders.new_, name, why);
	queued_free(m);
}

void
intake_take(char const *name)
{
	enum queued_error error;
	enum owner_verdict verdict = OWNER_MAY_NOT;
	struct stat st = {0};
	char const *why = "its name is not a queue file's";
	struct queued *m;

	host_refresh();
	m = queued_load(folders.new_, name, &st, &error);
	if (m == NULL) {
		leave(name, &st, error);
		return;
	}
	if (is_drop_name(name) && (m->q.flags & QUEUEFILE_COMMAND)) {
		take_command(name, m);
		return;
	}
	if (is_drop_name(name))
		verdict = judge(m, &why);
	if (verdict == OWNER_MAY_NOT)
		folders_refuse(folders.new_, name, why);
	/* What can't be moved is found again later. */
	if (verdict != OWNER_MAY || !move_to_cur(name, m)) {
		queued_free(m);
		return;
	}
	bound(m);
	report_queued(m);
	if (m->q.next > loop_time()) {
		active_enlist(m);
		settle_wait(m);
		return;
	}
	dispatch_start(m);
}
