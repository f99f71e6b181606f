/* Adding a message to the queue. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "common/drop.h"

static void
fail(struct drop *d)
{
	if (!d->failed)
		d->error = errno;
	d->failed = true;
}

static void
flush(struct drop *d)
{
	if (!d->failed && allwrite(d->fd, d->buffer, d->used) != d->used)
		fail(d);
	d->used = 0;
}

static void
append(struct drop *d, char const *s, size_t len)
{
	if (d->failed)
		return;
	if (len > sizeof d->buffer - d->used)
		flush(d);
	if (len >= sizeof d->buffer) {
		if (!d->failed && allwrite(d->fd, s, len) != len)
			fail(d);
		return;
	}
	memcpy(d->buffer + d->used, s, len);
	d->used += len;
}

static uint64_t
now_micros(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Creates tmp/<id>.<secret>; tries again if a name should be taken. */
static bool
create(struct drop *d)
{
	char secret[ID_SECRET_LEN + 1];

	for (int tries = 0; tries < 10; tries++) {
		id_make(d->q.id);
		id_secret(secret);
		memcpy(d->name, d->q.id, ID_LEN);
		d->name[ID_LEN] = '.';
		memcpy(d->name + ID_LEN + 1, secret, sizeof secret);
		d->fd = openat(d->tmp_fd, d->name,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0660);
		if (d->fd >= 0 || errno != EEXIST)
			break;
	}
	/* Whatever the umask, the manager's group must be able to write. */
	return d->fd >= 0 && fchmod(d->fd, 0660) == 0;
}

bool
drop_begin(struct drop *d, int tmp_fd, int new_fd,
	enum drop_durability durability, struct drop_envelope const *e)
{
	d->tmp_fd = tmp_fd;
	d->new_fd = new_fd;
	d->durability = durability;
	d->fd = -1;
	d->name[0] = '\0';
	d->failed = false;
	d->used = 0;
	d->envelope = (stralloc)STRALLOC_ZERO;
	d->q = (struct queuefile){
		.arrived = e->arrived ? e->arrived : now_micros(),
		.next = e->next,
		.expires = e->expires,
		.attempts = e->attempts,
		.flags = e->flags,
		.origin = e->origin,
		.origin_len = e->origin_len,
		.sender = e->sender,
		.sender_len = e->sender_len,
		.recipients = e->recipients,
		.recipient_count = e->recipient_count,
		.priority = e->priority,
		.deliver_by = e->deliver_by,
		.by_mode = e->by_mode,
		.by_trace = e->by_trace,
		.ret = e->ret,
		.envid = e->envid,
		.envid_len = e->envid_len,
		.has_dropper = e->has_dropper,
		.dropper = e->dropper,
		.unsubscribe = e->unsubscribe,
		.unsubscribe_len = e->unsubscribe_len,
		.command = e->command,
		.command_len = e->command_len};
	if (!create(d))
		goto fail;
	errno = EINVAL;
	if (!queuefile_format(&d->envelope, &d->q))
		goto fail;
	append(d, d->envelope.s, d->envelope.len);
	d->q.message_offset = d->envelope.len;
	d->q.added_offset = d->envelope.len;
	return true;
fail:
	fail(d);
	drop_abort(d);
	errno = d->error;
	return false;
}

void
drop_message(struct drop *d, char const *s, size_t len)
{
	append(d, s, len);
	d->q.message_len += len;
	d->q.added_offset += len;
}

void
drop_added(struct drop *d, char const *s, size_t len)
{
	append(d, s, len);
	d->q.added_len += len;
}

int
drop_open(struct drop *d)
{
	flush(d);
	if (d->failed) {
		errno = d->error;
		return -1;
	}
	return openat(d->tmp_fd, d->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* The envelope once more, with its numbers. */
static bool
fill_in(struct drop *d)
{
	size_t len = d->envelope.len;

	d->q.file_size = d->q.added_offset + d->q.added_len;
	d->envelope.len = 0;
	if (!queuefile_format(&d->envelope, &d->q) || d->envelope.len != len) {
		errno = ENOMEM;
		return false;
	}
	/* A short file is still in the buffer: then one write has it all. */
	if (d->q.file_size == d->used) {
		memcpy(d->buffer, d->envelope.s, len);
		return true;
	}
	ssize_t n = pwrite(d->fd, d->envelope.s, len, 0);
	if (n >= 0 && (size_t)n != len)
		errno = ENOSPC;
	return n >= 0 && (size_t)n == len;
}

static bool
make_durable(struct drop *d)
{
	int fd = d->durability == DROP_SYNC_FOLDER ? d->new_fd : d->fd;

	return fsync(fd) == 0;
}

static void
finish(struct drop *d)
{
	if (d->fd >= 0 && close(d->fd) < 0)
		fail(d);
	d->fd = -1;
	stralloc_free(&d->envelope);
}

bool
drop_commit(struct drop *d)
{
	if (!d->failed && !fill_in(d))
		fail(d);
	flush(d);
	if (!d->failed && fsync(d->fd) < 0)
		fail(d);
	if (!d->failed && renameat(d->tmp_fd, d->name, d->new_fd, d->name) < 0)
		fail(d);
	if (d->failed) {
		drop_abort(d);
		errno = d->error;
		return false;
	}
	/* From here the file is the manager's: nothing is taken back. */
	if (!make_durable(d))
		fail(d);
	d->name[0] = '\0';
	finish(d);
	errno = d->failed ? d->error : 0;
	return !d->failed;
}

void
drop_abort(struct drop *d)
{
	if (d->fd >= 0)
		(void)unlinkat(d->tmp_fd, d->name, 0);
	finish(d);
}
