/* The process that delivers into one mailbox. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/job.h"
#include "common/log.h"
#include "common/pair.h"
#include "common/quota.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "local/atrest.h"
#include "local/filter.h"
#include "local/list/list.h"
#include "local/local.h"
#include "local/locker.h"
#include "local/mailbox.h"
#include "local/sort.h"

/* Jobs that are made durable together. */
#define BATCH_MAX 16
/* The manager closes channels that it does not need; this is for one that
 * can't. */
#define IDLE_MS 600000
#define MEMORY_MAX ((size_t)32 * 1024 * 1024)
/* Where the owner's classifier is asked. */
#define ADVISE_MEMORY_MAX ((size_t)96 * 1024 * 1024)
#define FILES_MAX 96

/* 1 a job, 0 none within the time, -1 the channel has ended. */
static int
receive(int channel_fd, int timeout_ms, struct job *job, int *fd_r)
{
	static char frame[WIRE_FRAME_MAX];
	struct pollfd p = {.fd = channel_fd, .events = POLLIN};
	size_t count = 0;
	ssize_t n;
	int r = poll(&p, 1, timeout_ms);

	if (r <= 0)
		return r < 0 && errno != EINTR ? -1 : 0;
	n = pair_receive(channel_fd, frame, sizeof frame, fd_r, 1, &count);
	if (n <= 0)
		return -1;
	if (count == 1 && job_decode(frame, (size_t)n, job) &&
		job->recipient_count == 1)
		return 1;
	while (count > 0)
		close(fd_r[--count]);
	log_event("bad-job", NULL, (char *)0);
	return -1;
}

static bool
report(int channel_fd, struct delivery const *a)
{
	char frame[JOB_TEXT_MAX + 64];
	static struct job_report r;
	size_t len;

	r.number = a->number;
	r.result_count = 1;
	r.results[0] = (struct job_result){.status = a->result.status,
		.text = a->result.text,
		.text_len = strlen(a->result.text)};
	len = job_report_encode(frame, sizeof frame, &r);
	return len > 0 && pair_send(channel_fd, frame, len, NULL, 0);
}

bool
mailbox_has_room(
	struct mailbox *m, uint64_t octets, struct delivery_result *result)
{
	struct quota q;

	if (__builtin_add_overflow(m->pending_octets, octets, &octets) ||
		(quota_read(m->boxes.root_fd, &q) > 0 &&
			!quota_allows(&q, octets, m->pending_count + 1))) {
		deliver_refuse(result, JOB_RETRY, "4.2.2 the mailbox is full");
		return false;
	}
	return true;
}

void
mailbox_count(struct mailbox *m, char const *name)
{
	quota_note(m->boxes.root_fd, (int64_t)quota_size(name), 1);
}

/* What the mailbox's key asks for; a reason to deliver nothing, or NULL. */
static char const *
look_for_key(struct mailbox *m, bool *locks)
{
	enum atrest key = atrest_look(m->boxes.root_fd);

	*locks = key == ATREST_LOCKED;
	if (key == ATREST_CLEAR)
		return NULL;
	if (key == ATREST_REFUSED)
		return "4.3.0 " ATREST_KEY " is not a file of the mailbox's "
		       "own";
	if (!m->may_lock)
		return "4.3.0 " ATREST_KEY " is there, and the host has "
		       "delivery-encryption not set";
	if (m->place.locker_fd >= 0 && !m->place.is_locker_lost)
		return NULL;
	m->must_end = true;
	return "4.3.0 what encrypts to " ATREST_KEY " does not run yet";
}

/* Without a script: INBOX, or the junk folder. */
static void
write_plainly(struct mailbox *m, struct job const *job, int fd, bool locks,
	struct delivery *d)
{
	d->folder_fd = job->flags & QUEUEFILE_JUNK
			       ? boxes_open(&m->boxes, MAILBOX_JUNK, true)
			       : m->boxes.root_fd;
	/* Without a junk folder it is better here than nowhere. */
	if (d->folder_fd < 0)
		d->folder_fd = m->boxes.root_fd;
	d->is_written = mailbox_has_room(m, job->message_len, &d->result) &&
			deliver_write(&d->writer, &m->place, d->folder_fd,
				locks, job, fd, NULL, &d->result);
}

/* The owner's classifier may make junk of it. */
static void
take_advice(struct mailbox *m, struct job *job, int fd)
{
	bool const is_junk =
		m->advise.tutor_fd >= 0 && advise_ask(&m->advise, job, fd);

	m->place.note = m->advise.note;
	if (is_junk && m->junks)
		job->flags |= QUEUEFILE_JUNK;
}

/* Whether what runs programs has those that `forward` names now. Where it has
 * not, they have changed, and the next process has them. */
static bool
has_programs(
	struct mailbox *m, stralloc const *lines, struct delivery_result *r)
{
	if (lines->len != m->lines.len ||
		memcmp(lines->s, m->lines.s, lines->len) != 0) {
		m->must_leave = true;
		return false;
	}
	if (m->runner.pair_fd >= 0 && !m->runner.is_lost)
		return true;
	m->must_end = true;
	deliver_refuse(r, JOB_RETRY, "4.3.0 what runs programs does not run");
	return false;
}

/* Before all else: a program that can't take the message now is tried again
 * with it, and with what else there is to be done. False: d says what became of
 * the message. */
static bool
run_programs(struct mailbox *m, stralloc const *lines, struct job const *job,
	int fd, struct delivery *d)
{
	size_t count = 0, at = 0;
	bool ok = true;
	int message_fd;

	if (!has_programs(m, lines, &d->result))
		return false;
	message_fd = deliver_hold(&m->place, job, fd, &d->result);
	if (message_fd < 0)
		return false;
	for (; ok && at < lines->len && count < PROGRAM_LINES_MAX; count++) {
		ok = program_run(&m->runner, (uint8_t)count, job, message_fd,
			&d->result);
		log_event("program", job->id, "line", lines->s + at, "said",
			d->result.text, (char *)0);
		at += strlen(lines->s + at) + 1;
	}
	close(message_fd);
	return ok;
}

static void
write_one(struct mailbox *m, struct job *job, int fd, struct delivery *d)
{
	static stralloc script, lines;
	char const *problem = m->problem;
	bool locks = false;
	int has_script;

	d->number = job->number;
	d->is_written = d->has_flags = d->is_synced = false;
	if (problem == NULL && (problem = look_for_key(m, &locks)) != NULL)
		log_event("encrypt-failed", job->id, "why", problem, (char *)0);
	if (problem != NULL) {
		deliver_refuse(&d->result, JOB_RETRY, problem);
		return;
	}
	if (!deliver_is_welcome(job, fd, &d->result))
		return;
	if (list_is_here(m->boxes.root_fd)) {
		list_deliver(m, job, fd, d);
		return;
	}
	take_advice(m, job, fd);
	script.len = lines.len = 0;
	has_script = filter_read(
		m->boxes.root_fd, &script, m->may_run ? &lines : NULL);
	/* One that can't be read sorts nothing, and keeps nothing back. */
	if (has_script < 0)
		log_error("filter-unread", job->id, (char *)0);
	if (lines.len > 0 && !run_programs(m, &lines, job, fd, d))
		return;
	if (has_script > 0)
		sort_message(m, &script, job, fd, locks, d);
	else
		write_plainly(m, job, fd, locks, d);
	if (d->is_written) {
		m->pending_octets += job->message_len;
		m->pending_count++;
	}
}

static bool
is_same_place(struct delivery const *a, struct delivery const *b)
{
	return a->folder_fd == b->folder_fd && a->has_flags == b->has_flags;
}

/* Sync a folder once for all that went there with the i-th. */
static void
sync_folder(struct delivery *list, size_t i, size_t count)
{
	static char const unsynced[] = "4.3.0 the mailbox could not be synced";
	bool const ok = deliver_sync(
		list[i].folder_fd, list[i].has_flags ? "cur" : "new");

	for (size_t k = count; k > i; k--) {
		struct delivery *const d = &list[k - 1];

		if (!d->is_written || d->result.status != JOB_DONE ||
			!is_same_place(d, &list[i]))
			continue;
		d->is_synced = true;
		if (!ok)
			deliver_refuse(&d->result, JOB_RETRY, unsynced);
	}
}

/* The files, then their names, then the folders. */
static void
commit(struct mailbox *m, struct delivery *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].is_written)
			maildir_harden(&list[i].writer);
	for (size_t i = 0; i < count; i++) {
		struct delivery *const d = &list[i];

		if (!d->is_written)
			continue;
		deliver_commit(&d->writer, d->has_flags ? d->letters : NULL,
			&d->result);
		if (d->result.status == JOB_DONE)
			mailbox_count(m, d->writer.name);
	}
	for (size_t i = 0; i < count; i++)
		if (list[i].is_written && !list[i].is_synced &&
			list[i].result.status == JOB_DONE)
			sync_folder(list, i, count);
	boxes_close(&m->boxes);
	m->pending_octets = m->pending_count = 0;
}

/* Waits for a job, writes it and all that have come meanwhile, and makes them
 * durable together. -1: the channel has ended. */
static int
serve_batch(struct mailbox *m)
{
	static struct delivery list[BATCH_MAX];
	static struct job job;
	/* Encrypting takes longer than what is shared. */
	size_t const batch_max = m->place.locker_fd >= 0 ? 1 : BATCH_MAX;
	size_t count = 0;
	int r = 0, fd;

	/* Lessons in between, while nobody waits. */
	while (m->has_served && m->advise.tutor_fd >= 0 && r == 0 &&
		(r = receive(m->channel_fd, 0, &job, &fd)) == 0 &&
		advise_learn(&m->advise))
		;
	if (r == 0)
		r = receive(m->channel_fd, IDLE_MS, &job, &fd);
	if (r <= 0)
		return -1;
	m->has_served = true;
	do {
		write_one(m, &job, fd, &list[count]);
		count += !m->must_leave;
		close(fd);
	} while (count < batch_max && !m->must_leave &&
		 (r = receive(m->channel_fd, 0, &job, &fd)) > 0);
	commit(m, list, count);
	for (size_t i = 0; i < count; i++)
		if (!report(m->channel_fd, &list[i]))
			return -1;
	return r < 0 || m->must_end || m->must_leave ||
			       m->place.is_locker_lost || m->runner.is_lost
		       ? -1
		       : 0;
}

/* The mailbox's folder, if it is what it should be. */
static int
open_home(char const *home, char const **problem)
{
	int fd = open(home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	*problem = "4.2.1 the mailbox's folder can't be opened";
	if (fd < 0)
		return -1;
	*problem = "4.2.1 the mailbox's folder is not its own";
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
		!(st.st_mode & S_IWOTH) && fchdir(fd) == 0) {
		*problem = NULL;
		return fd;
	}
	close(fd);
	return -1;
}

/* What has to be had before the sandbox is closed. */
static void
start_locker(struct mailbox *m)
{
	if (!m->may_lock || m->boxes.root_fd < 0 ||
		atrest_look(m->boxes.root_fd) != ATREST_LOCKED)
		return;
	m->place.locker_fd = locker_start(ATREST_KEY);
	if (m->place.locker_fd < 0)
		log_error("locker-failed", NULL, (char *)0);
}

/* Those that the file `forward` names now. */
static void
start_programs(struct mailbox *m, struct table *settings, char const *home)
{
	struct program_rules r = {
		.folder = settings_text(settings, "user-programs"),
		.home = home,
		.seconds = settings_number(settings, "program-timeout", 300),
		.memory = settings_number(
			settings, "program-memory", UINT64_C(1) << 29)};
	stralloc script = STRALLOC_ZERO;

	m->may_run = r.folder != NULL && *r.folder != '\0';
	m->runner = (struct program_runner){.pair_fd = -1,
		.channel_fd = m->channel_fd,
		.seconds = r.seconds};
	if (m->may_run && m->boxes.root_fd >= 0 &&
		filter_read(m->boxes.root_fd, &script, &m->lines) > 0 &&
		m->lines.len > 0) {
		m->runner.pair_fd = program_start(&r, m->lines.s, m->lines.len);
		if (m->runner.pair_fd < 0)
			log_error("programs-failed", NULL, (char *)0);
	}
	stralloc_free(&script);
}

static char const *
classifier(struct table *settings)
{
	char const *program = NULL;

	if (settings_number(settings, "user-classifier", 0) != 0)
		program = settings_text(settings, "classifier");
	return program != NULL ? program : "";
}

static void
allow(struct sandbox *box, int folder_fd)
{
	if (folder_fd >= 0)
		box->read_write[box->read_write_count++] = folder_fd;
}

int
local_run(struct local const *l)
{
	struct table *const t = l->settings;
	struct mailbox m = {.channel_fd = l->channel_fd,
		.may_lock = settings_number(t, "delivery-encryption", 0) != 0,
		.outgoing = l->outgoing,
		.junks = settings_number(t, "user-classifier-junk", 1) != 0,
		.advise = ADVISE_ZERO,
		.place = {.hostname = settings_text(t, "hostname"),
			.channel_fd = l->channel_fd,
			.locker_fd = -1,
			.note = ""}};
	struct sandbox box = {.filter = SANDBOX_LOCAL,
		.memory = MEMORY_MAX,
		.files = FILES_MAX,
		.may_write = true};

	log_open("local");
	m.boxes.root_fd = open_home(l->home, &m.problem);
	allow(&box, m.boxes.root_fd);
	allow(&box, m.outgoing.tmp_fd);
	allow(&box, m.outgoing.new_fd);
	start_locker(&m);
	start_programs(&m, t, l->home);
	if (m.boxes.root_fd >= 0)
		advise_start(&m.advise, m.boxes.root_fd, classifier(t));
	if (m.advise.tutor_fd >= 0)
		box.memory = ADVISE_MEMORY_MAX;
	sandbox_enter_or_exit(&box);
	while (serve_batch(&m) >= 0)
		;
	return 0;
}
