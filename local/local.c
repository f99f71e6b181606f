/* The process that delivers into one mailbox. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "common/job.h"
#include "common/log.h"
#include "common/pair.h"
#include "local/deliver.h"
#include "local/local.h"

/* Jobs that are made durable together. */
#define BATCH_MAX 16
/* The manager closes channels that it does not need; this is for one that
 * can't. */
#define IDLE_MS 600000
/* Where a message goes that was judged to be junk: Maildir++. */
#define JUNK ".Junk"

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
junk_folder(struct local const *l)
{
	static int fd = -1;

	for (int i = 0; i < 2 && fd < 0; i++) {
		fd = openat(l->folder_fd, JUNK,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT ||
			!maildir_create(l->folder_fd, JUNK))
			break;
	}
	return fd;
}

static void
write_one(
	struct local const *l, struct job const *job, int fd, struct answer *a)
{
	a->number = job->number;
	a->is_written = false;
	a->folder_fd = l->folder_fd;
	/* Without a junk folder it is better here than nowhere. */
	if (l->problem == NULL && (job->flags & QUEUEFILE_JUNK) &&
		junk_folder(l) >= 0)
		a->folder_fd = junk_folder(l);
	if (l->problem == NULL)
		a->is_written = deliver_write(&a->writer, a->folder_fd,
			l->hostname, job, fd, &a->result);
	else
		deliver_refuse(&a->result, JOB_RETRY, l->problem);
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
commit(struct local const *l, struct answer *answers, size_t count)
{
	int junk_fd = -1;

	for (size_t i = 0; i < count; i++)
		if (answers[i].is_written)
			maildir_harden(&answers[i].writer);
	for (size_t i = 0; i < count; i++) {
		if (answers[i].is_written)
			deliver_commit(&answers[i].writer, &answers[i].result);
		if (answers[i].folder_fd != l->folder_fd)
			junk_fd = answers[i].folder_fd;
	}
	sync_folder(l->folder_fd, answers, count);
	if (junk_fd >= 0)
		sync_folder(junk_fd, answers, count);
}

/* Waits for a job, writes it and all that have come meanwhile, and makes them
 * durable together. -1: the channel has ended. */
static int
serve_batch(struct local const *l)
{
	static struct answer answers[BATCH_MAX];
	static struct job job;
	size_t count = 0;
	int r, fd;

	r = receive(l->channel_fd, IDLE_MS, &job, &fd);
	if (r <= 0)
		return -1;
	do {
		write_one(l, &job, fd, &answers[count++]);
		close(fd);
	} while (count < BATCH_MAX &&
		 (r = receive(l->channel_fd, 0, &job, &fd)) > 0);
	commit(l, answers, count);
	for (size_t i = 0; i < count; i++)
		if (!report(l->channel_fd, &answers[i]))
			return -1;
	return r < 0 ? -1 : 0;
}

int
local_serve(struct local const *l)
{
	while (serve_batch(l) >= 0)
		;
	return 0;
}
