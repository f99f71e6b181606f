/* The life of a message. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include "common/drop.h"
#include "common/log.h"
#include "queue/bounce.h"
#include "queue/copy.h"
#include "queue/deliveries.h"
#include "queue/expand.h"
#include "queue/folders.h"
#include "queue/helpers.h"
#include "queue/loop.h"
#include "queue/owner.h"
#include "queue/progress.h"
#include "queue/report.h"
#include "queue/schedule.h"

/* Octets of envelopes in memory. */
#define WEIGHT_MAX (64 * 1024 * 1024)
/* A message with more recipients is taken over before its first delivery. */
#define RECIPIENTS_UNCOPIED 16
/* Messages loaded in one go, between events. */
#define SLICE 32
/* Seconds after which a file that is shorter than it says is nobody's. */
#define SHORT_AGE 3600
/* Seconds until a file that could not be read is tried again. */
#define TROUBLE_DELAY 60

static struct progress_settings settings;
static struct route_tables tables;
static struct owner_accounts accounts;
static struct schedule schedule;
static struct idlist ready;	    /* to be loaded as soon as there is room */
static struct idlist remote_parked; /* too many go out at the same time */
static struct queued *active;
static size_t active_count, remote_count, weight;
static uint64_t refreshed; /* loop_time of the tables' last check */

static void settle(struct queued *m);

static bool
is_own(struct queued const *m)
{
	return m->owner == accounts.queue && (m->q.flags & QUEUEFILE_OWN);
}

/* Half of the room is for what is due again, so that new mail finds some. */
static bool
has_room_for_due(void)
{
	return active_count < settings.active_max / 2 &&
	       weight < WEIGHT_MAX / 2;
}

bool
progress_has_room(void)
{
	return active_count < settings.active_max && weight < WEIGHT_MAX;
}

static bool
too_many_remote(void)
{
	return remote_count >= settings.active_max * 6 / 10;
}

static void
enlist(struct queued *m)
{
	m->before = NULL;
	m->after = active;
	if (active != NULL)
		active->before = m;
	active = m;
	active_count++;
	weight += m->weight;
}

static void
release(struct queued *m)
{
	if (m->before != NULL)
		m->before->after = m->after;
	else
		active = m->after;
	if (m->after != NULL)
		m->after->before = m->before;
	active_count--;
	weight -= m->weight;
	remote_count -= m->is_remote;
	queued_free(m);
}

static void
remove_file(struct queued *m)
{
	if (unlinkat(folders.cur, m->q.id, 0) < 0)
		log_error("remove-failed", m->q.id, (char *)0);
	else
		report_removed(m);
	release(m);
}

/* Puts it back to wait for m->q.next. */
static void
wait_for_next(struct queued *m)
{
	if (schedule_add(&schedule, m->q.id, m->q.next))
		release(m);
	else
		m->again = wait_for_next;
}

static void
have_copied(struct queued *m)
{
	if (!helpers_add(HELPER_COPY, m, 0))
		m->again = have_copied;
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
	m->q.next = loop_time() +
		    schedule_delay(m->q.attempts, settings.retry_first,
			    settings.retry_max, randombytes_uniform(256));
	if (!is_own(m)) {
		have_copied(m);
		return;
	}
	mark(m, true);
	wait_for_next(m);
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

static void
note(struct queued *m, size_t recipient, char const *via,
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

static void
note_text(struct queued *m, size_t recipient, enum job_status status,
	char const *text)
{
	note(m, recipient, NULL, status, text, strlen(text));
}

static void
on_result(struct queued *m, size_t recipient, struct destination const *to,
	enum job_status status, char const *text, size_t len)
{
	note(m, recipient, to->name, status, text, len);
}

static bool
has_changed(struct queued const *m)
{
	for (size_t i = 0; i < m->q.recipient_count; i++)
		if (m->fates[i].changed)
			return true;
	return false;
}

static void
on_over(struct queued *m)
{
	if (m->open == 0)
		settle(m);
	else if (is_own(m) && has_changed(m))
		mark(m, false);
}

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
		route_find(&tables, to->address, to->address_len, &r);
		routes[i].kind = r.kind;
		if (r.kind != ROUTE_LOCAL && r.kind != ROUTE_REMOTE)
			continue;
		routes[i].to = destination_find(
			r.kind == ROUTE_LOCAL ? POOL_LOCAL : POOL_REMOTE,
			r.name, r.name_len, true);
		if (routes[i].to == NULL)
			routes[i].kind = ROUTE_LATER;
		m->is_remote = m->is_remote || r.kind == ROUTE_REMOTE;
	}
}

/* The line of a message that has to stand in one, or NULL: one whose
 * recipients all wait for the same busy thing. Nothing has changed yet, so it
 * can be let go of and loaded again. */
static struct idlist *
find_line(struct queued const *m)
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
	if (only == NULL || deliveries_is_held(only))
		return NULL;
	if (deliveries_is_crowded(only))
		return &only->parked;
	return m->is_remote && too_many_remote() ? &remote_parked : NULL;
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
		size_t count = 0;
		if (to == NULL)
			continue;
		for (size_t k = i; k < n && count < most; k++)
			if (routes[k].to == to) {
				same[count++] = (uint16_t)k;
				routes[k].to = NULL;
			}
		bool crowded = to->waiting >= 2 * DELIVERIES_LINE_MAX ||
			       (to->pool == POOL_REMOTE && too_many_remote());
		if (!crowded && deliveries_add(to, m, same, count))
			continue;
		for (size_t k = 0; k < count; k++)
			note(m, same[k], to->name, JOB_RETRY, many,
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
				note_text(m, i, JOB_RETRY, "4.3.0 no memory");
			break;
		case ROUTE_UNKNOWN:
			note_text(m, i, JOB_FAILED,
				"5.1.1 there is no such mailbox here");
			break;
		case ROUTE_INVALID:
			note_text(m, i, JOB_FAILED,
				"5.1.3 this is not a mail address");
			break;
		case ROUTE_LOOP:
			note_text(m, i, JOB_FAILED,
				"5.4.6 this alias leads to itself alone");
			break;
		case ROUTE_LATER:
			note_text(m, i, JOB_RETRY,
				"4.3.5 a table of this host can't be read");
			break;
		}
	}
}

/* Into work with it; or in line behind others. */
static void
start(struct queued *m)
{
	struct idlist *line;

	enlist(m);
	if (!is_own(m) && m->q.recipient_count > RECIPIENTS_UNCOPIED) {
		have_copied(m);
		return;
	}
	find_routes(m);
	remote_count += m->is_remote;
	line = find_line(m);
	if (line != NULL && idlist_add(line, m->q.id)) {
		release(m);
		return;
	}
	m->is_routed = true;
	/* Held open while its parts are started: some answer at once. */
	m->open++;
	start_others(m);
	start_deliveries(m);
	m->open--;
	on_over(m);
}

/* Times and counts that a dropper wrote are bounded by our own. */
static void
bound(struct queued *m)
{
	uint64_t now = loop_time(), limit;

	if (m->owner != accounts.queue)
		m->q.attempts = 0;
	if (m->q.arrived == 0 || m->q.arrived > loop_time_us())
		m->q.arrived = loop_time_us();
	limit = m->q.arrived / 1000000 + settings.lifetime;
	if (m->q.expires == 0 || m->q.expires > limit)
		m->q.expires = limit;
	if (m->q.next > m->q.expires)
		m->q.next = now < m->q.expires ? m->q.expires : now;
}

static enum owner_verdict
judge(struct queued const *m, char const **why)
{
	return owner_judge(&accounts, &tables, m->owner, &m->q, why);
}

static void
load_later(char const *id, uint64_t delay)
{
	if (!schedule_add(&schedule, id, loop_time() + delay))
		log_event("forgotten", id, "until", "restart", (char *)0);
}

/* Load cur/id again and go on with it. */
static void
load(char const *id)
{
	enum queued_error error;
	enum owner_verdict verdict;
	struct stat st = {0};
	char const *why;
	struct queued *m = queued_load(folders.cur, id, &st, &error);

	if (m == NULL) {
		if (error == QUEUED_TROUBLE)
			load_later(id, TROUBLE_DELAY);
		else if (error != QUEUED_GONE)
			folders_refuse(folders.cur, id, queued_strerror(error));
		return;
	}
	verdict = judge(m, &why);
	if (verdict == OWNER_MAY) {
		bound(m);
		start(m);
		return;
	}
	queued_free(m);
	if (verdict == OWNER_LATER)
		load_later(id, TROUBLE_DELAY);
	else
		folders_refuse(folders.cur, id, why);
}

void
progress_found(char const *id)
{
	enum queued_error error;
	struct stat st = {0};
	struct queued *m = queued_load(folders.cur, id, &st, &error);

	if (m != NULL)
		load_later(id,
			m->q.next > loop_time() ? m->q.next - loop_time() : 0);
	else if (error == QUEUED_TROUBLE)
		load_later(id, TROUBLE_DELAY);
	else if (error != QUEUED_GONE)
		folders_refuse(folders.cur, id, queued_strerror(error));
	queued_free(m);
}

static bool
is_drop_name(char const *name)
{
	return strlen(name) == DROP_NAME_LEN && name[ID_LEN] == '.' &&
	       id_valid(name, ID_LEN);
}

/* A file that can't be taken now, or never. */
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

static void
refresh_tables(void)
{
	if (refreshed == loop_time())
		return;
	refreshed = loop_time();
	if (!table_refresh(
		    &tables.recipients, settings.tables_fd, "recipients.cdb") ||
		!table_refresh(
			&tables.aliases, settings.tables_fd, "aliases.cdb") ||
		!table_refresh(
			&tables.routes, settings.tables_fd, "routes.cdb"))
		log_error("table-failed", NULL, (char *)0);
}

void
progress_take(char const *name)
{
	enum queued_error error;
	enum owner_verdict verdict = OWNER_MAY;
	struct stat st = {0};
	char const *why = "its name is not a queue file's";
	struct queued *m;

	refresh_tables();
	m = queued_load(folders.new_, name, &st, &error);
	if (m == NULL) {
		leave(name, &st, error);
		return;
	}
	if (!is_drop_name(name))
		verdict = OWNER_MAY_NOT;
	else
		verdict = judge(m, &why);
	if (verdict == OWNER_MAY && renameat2(folders.new_, name, folders.cur,
					    m->q.id, RENAME_NOREPLACE) < 0) {
		why = "its id is in use";
		verdict = errno == EEXIST ? OWNER_MAY_NOT : OWNER_LATER;
	}
	if (verdict != OWNER_MAY) {
		if (verdict == OWNER_MAY_NOT)
			folders_refuse(folders.new_, name, why);
		queued_free(m);
		return;
	}
	bound(m);
	report_queued(m);
	if (m->q.next > loop_time()) {
		enlist(m);
		wait_for_next(m);
		return;
	}
	start(m);
}

static void
on_unpark(char const *id, uint64_t delay_s)
{
	if (delay_s > 0 || !idlist_add(&ready, id))
		load_later(id, delay_s);
}

static enum helper_result
work(enum helper_task task, struct queued *m, size_t recipient)
{
	switch (task) {
	case HELPER_COPY:
		return copy_over(folders.tmp, folders.cur, m);
	case HELPER_BOUNCE:
		return bounce_write(folders.tmp, folders.new_,
			settings.hostname, loop_time(), m);
	case HELPER_EXPAND:
		return expand_alias(
			folders.tmp, folders.new_, &tables, m, recipient);
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
		release(m);
	} else if (result != HELPER_OK) {
		m->again = have_copied;
	} else if (m->is_routed) {
		wait_for_next(m);
	} else {
		memcpy(id, m->q.id, sizeof id);
		release(m);
		load(id);
	}
}

static void
on_expanded(struct queued *m, size_t recipient, enum helper_result result)
{
	if (result == HELPER_OK)
		note_text(m, recipient, JOB_DONE, "expanded");
	else if (result == HELPER_LOOP)
		note_text(m, recipient, JOB_FAILED,
			"5.4.6 the message went through this alias before");
	else
		note_text(m, recipient, JOB_RETRY,
			"4.3.0 the alias could not be expanded now");
	on_over(m);
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

bool
progress_init(struct progress_settings const *s)
{
	static struct deliveries_events const events = {
		.result = on_result, .over = on_over, .unpark = on_unpark};
	struct deliveries_limits limits[POOLS];

	settings = *s;
	tables.hostname = s->hostname;
	owner_read(&accounts, s->settings);
	for (int i = 0; i < POOLS; i++) {
		bool local = i == POOL_LOCAL;
		limits[i] = (struct deliveries_limits){
			.channels = (unsigned)settings_number(s->settings,
				local ? "local-concurrency"
				      : "remote-concurrency",
				local ? 50 : 100),
			.per_destination =
				local ? 1
				      : (unsigned)settings_number(s->settings,
						"remote-concurrency-per-"
						"destination",
						10),
			.in_hand = local ? 16 : 2,
			.quantum = 20,
			.idle_ms = local ? 2000 : 5000,
			.job_ms = local ? 900000 : 10800000,
			.hold_ms = s->retry_first * 1000};
	}
	deliveries_init(&events, limits);
	helpers_init(work, on_done);
	return table_refresh(
		       &tables.recipients, s->tables_fd, "recipients.cdb") &&
	       table_refresh(&tables.aliases, s->tables_fd, "aliases.cdb") &&
	       table_refresh(&tables.routes, s->tables_fd, "routes.cdb");
}

bool
progress_run(void)
{
	char id[ID_LEN + 1];
	int n;

	if (ready.count > 0 || schedule_next(&schedule) <= loop_time())
		refresh_tables();
	while (remote_parked.count > 0 && ready.count < SLICE &&
		remote_count < settings.active_max * 3 / 10 &&
		idlist_take(&remote_parked, id))
		on_unpark(id, 0);
	for (n = 0; n < SLICE && progress_has_room(); n++) {
		if (!idlist_take(&ready, id))
			break;
		load(id);
	}
	for (; n < SLICE && has_room_for_due(); n++) {
		if (!schedule_take(&schedule, loop_time(), id))
			break;
		load(id);
	}
	return n == SLICE;
}

int
progress_timeout(int max)
{
	uint64_t next = schedule_next(&schedule), now = loop_time();

	/* Without room the end of a delivery wakes us. */
	if (!has_room_for_due() || next >= now + (uint64_t)max / 1000)
		return max;
	return next <= now ? 0
			   : (int)((next - now) * 1000 -
				     loop_time_us() / 1000 % 1000);
}

void
progress_tick(void)
{
	struct queued *m, *after;

	for (m = active; m != NULL; m = after) {
		void (*again)(struct queued *) = m->again;
		after = m->after;
		m->again = NULL;
		if (again != NULL)
			again(m);
	}
}

void
progress_save(void)
{
	for (struct queued *m = active; m != NULL; m = m->after) {
		if (!has_changed(m) || m->again != NULL)
			continue;
		if (is_own(m))
			mark(m, false);
		else
			have_copied(m);
	}
}

size_t
progress_active(void)
{
	return active_count;
}

size_t
progress_waiting(void)
{
	return schedule.count;
}
