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
#include "common/sandbox.h"
#include "local/advise.h"
#include "local/atrest.h"
#include "local/deliver.h"
#include "local/local.h"
#include "local/locker.h"

/* Jobs that are made durable together. */
#define BATCH_MAX 16
/* The manager closes channels that it does not need; this is for one that
 * can't. */
#define IDLE_MS 600000
/* Where a message goes that was judged to be junk: Maildir++. */
#define JUNK ".Junk"
#define MEMORY_MAX ((size_t)32 * 1024 * 1024)
/* Where the owner's classifier is asked. */
#define ADVISE_MEMORY_MAX ((size_t)96 * 1024 * 1024)
#define FILES_MAX 64

struct mailbox {
	int channel_fd;
	int folder_fd;	     /* the maildir; -1: see problem */
	char const *problem; /* why nothing can be delivered now, or NULL */
	bool may_lock;
	bool must_end; /* a locker is needed, for which it is too late here */
	bool has_served;
	bool junks;
	struct advise advise;
	struct delivery_place place;
};

struct answer {
	uint32_t number;
	int folder_fd;	 /* where it goes */
	bool is_written; /* waits for its commit */
	struct delivery_result result;
	struct maildir_writer writer;
};

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
report(int channel_fd, struct answer const *a)
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

/* The junk folder, made where it is missing; -1: it can't be had. */
static int
junk_folder(struct mailbox const *m)
{
	static int fd = -1;

	for (int i = 0; i < 2 && fd < 0; i++) {
		fd = openat(m->folder_fd, JUNK,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT ||
			!maildir_create(m->folder_fd, JUNK))
			break;
	}
	return fd;
}

/* What the mailbox's key asks for; a reason to deliver nothing, or NULL. */
static char const *
look_for_key(struct mailbox *m, bool *locks)
{
	enum atrest key = atrest_look(m->folder_fd);

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

static void
write_one(struct mailbox *m, struct job const *job, int fd, struct answer *a)
{
	char const *problem = m->problem;
	bool locks = false, is_junk = (job->flags & QUEUEFILE_JUNK) != 0;

	a->number = job->number;
	a->is_written = false;
	a->folder_fd = m->folder_fd;
	if (problem == NULL && (problem = look_for_key(m, &locks)) != NULL)
		log_event("encrypt-failed", job->id, "why", problem, (char *)0);
	m->place.note = "";
	if (problem == NULL && m->advise.tutor_fd >= 0) {
		is_junk |= advise_ask(&m->advise, job, fd) && m->junks;
		m->place.note = m->advise.note;
	}
	/* Without a junk folder it is better here than nowhere. */
	if (problem == NULL && is_junk && junk_folder(m) >= 0)
		a->folder_fd = junk_folder(m);
	if (problem == NULL)
		a->is_written = deliver_write(&a->writer, &m->place,
			a->folder_fd, locks, job, fd, &a->result);
	else
		deliver_refuse(&a->result, JOB_RETRY, problem);
}

/* Sync a folder once for all that went there. */
static void
sync_folder(int folder_fd, struct answer *answers, size_t count)
{
	static char const unsynced[] = "4.3.0 the mailbox could not be synced";
	size_t done = 0;

	for (size_t i = 0; i < count; i++)
		done += answers[i].result.status == JOB_DONE &&
			answers[i].folder_fd == folder_fd;
	if (done == 0 || deliver_sync(folder_fd))
		return;
	for (size_t i = 0; i < count; i++)
		if (answers[i].result.status == JOB_DONE &&
			answers[i].folder_fd == folder_fd)
			deliver_refuse(&answers[i].result, JOB_RETRY, unsynced);
}

/* The files, then their names, then the folders. */
static void
commit(struct mailbox const *m, struct answer *answers, size_t count)
{
	int junk_fd = -1;

	for (size_t i = 0; i < count; i++)
		if (answers[i].is_written)
			maildir_harden(&answers[i].writer);
	for (size_t i = 0; i < count; i++) {
		if (answers[i].is_written)
			deliver_commit(&answers[i].writer, &answers[i].result);
		if (answers[i].folder_fd != m->folder_fd)
			junk_fd = answers[i].folder_fd;
	}
	sync_folder(m->folder_fd, answers, count);
	if (junk_fd >= 0)
		sync_folder(junk_fd, answers, count);
}

/* Waits for a job, writes it and all that have come meanwhile, and makes them
 * durable together. -1: the channel has ended. */
static int
serve_batch(struct mailbox *m)
{
	static struct answer answers[BATCH_MAX];
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
		write_one(m, &job, fd, &answers[count++]);
		close(fd);
	} while (count < batch_max &&
		 (r = receive(m->channel_fd, 0, &job, &fd)) > 0);
	commit(m, answers, count);
	for (size_t i = 0; i < count; i++)
		if (!report(m->channel_fd, &answers[i]))
			return -1;
	return r < 0 || m->must_end || m->place.is_locker_lost ? -1 : 0;
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
	if (!m->may_lock || m->folder_fd < 0 ||
		atrest_look(m->folder_fd) != ATREST_LOCKED)
		return;
	m->place.locker_fd = locker_start(ATREST_KEY);
	if (m->place.locker_fd < 0)
		log_error("locker-failed", NULL, (char *)0);
}

int
local_run(struct local const *l)
{
	struct mailbox m = {.channel_fd = l->channel_fd,
		.may_lock = l->may_lock,
		.junks = l->junks,
		.advise = ADVISE_ZERO,
		.place = {.hostname = l->hostname,
			.channel_fd = l->channel_fd,
			.locker_fd = -1}};
	struct sandbox box = {.filter = SANDBOX_LOCAL,
		.memory = MEMORY_MAX,
		.files = FILES_MAX,
		.may_write = true};

	log_open("local");
	m.folder_fd = open_home(l->home, &m.problem);
	if (m.folder_fd >= 0)
		box.read_write[box.read_write_count++] = m.folder_fd;
	start_locker(&m);
	if (m.folder_fd >= 0)
		advise_start(&m.advise, m.folder_fd, l->classifier);
	if (m.advise.tutor_fd >= 0)
		box.memory = ADVISE_MEMORY_MAX;
	sandbox_enter_or_exit(&box);
	while (serve_batch(&m) >= 0)
		;
	return 0;
}
