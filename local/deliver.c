/* One message into a maildir. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/log.h"
#include "common/queuebody.h"
#include "common/queuefile.h"
#include "local/atrest.h"
#include "local/deliver.h"
#include "mime/reencode.h"

void
deliver_refuse(
	struct delivery_result *r, enum job_status status, char const *text)
{
	r->status = status;
	snprintf(r->text, sizeof r->text, "%s", text);
}

static void
refuse_error(struct delivery_result *r)
{
	char const *error = strerrordesc_np(errno);

	r->status = JOB_RETRY;
	if (errno == ENOSPC || errno == EDQUOT)
		deliver_refuse(r, JOB_RETRY, "4.2.2 the mailbox has no room");
	else
		snprintf(r->text, sizeof r->text,
			"4.3.0 the mailbox can't be written: %s",
			error != NULL ? error : "unknown error");
}

static void
refuse_body(struct delivery_result *r, enum queuebody_result body)
{
	if (body == QUEUEBODY_SHORT)
		deliver_refuse(r, JOB_RETRY,
			"4.3.0 the queue file is shorter than it was");
	else
		refuse_error(r);
}

/* An address in a header line of ours: no line of its own. */
static bool
is_clean(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return false;
	return true;
}

static void
put(void *data, char const *s, size_t len)
{
	maildir_write(data, s, len);
}

static void
put_line(struct maildir_writer *w, char const *before, char const *s,
	size_t len, char const *behind)
{
	maildir_write(w, before, strlen(before));
	maildir_write(w, s, len);
	maildir_write(w, behind, strlen(behind));
}

static void
look_at(void *data, char const *s, size_t len)
{
	reencode_push(data, s, len);
}

/*
 * A file of a maildir has LF lines, in which a bare LF of a binary part would
 * become a CRLF: such parts are encoded, and nothing else. A message that can't
 * be taken apart is written as it is.
 */
static enum queuebody_result
write_binary(struct maildir_writer *w, struct job const *job, int fd)
{
	static struct reencode c;
	uint64_t at = job->message_offset, len = job->message_len;
	enum queuebody_result r;

	reencode_start(&c, true, true);
	r = queuebody_copy(fd, at, len, look_at, &c);
	if (r == QUEUEBODY_OK && reencode_end(&c) && c.is_needed) {
		reencode_write(&c, put, w);
		r = queuebody_copy(fd, at, len, look_at, &c);
		errno = EIO;
		if (r == QUEUEBODY_OK && !reencode_end(&c))
			r = QUEUEBODY_FAILED;
	} else if (r == QUEUEBODY_OK) {
		r = queuebody_copy(fd, at, len, put, w);
	}
	reencode_free(&c);
	return r;
}

/* The message as it came, with LF line ends. */
static enum queuebody_result
write_clear(struct maildir_writer *w, struct job const *job, int fd)
{
	if (job->flags & QUEUEFILE_BINARY)
		return write_binary(w, job, fd);
	return queuebody_copy(
		fd, job->message_offset, job->message_len, put, w);
}

static void
refuse_seal(struct delivery_result *r, struct job const *job, char const *why)
{
	log_event("encrypt-failed", job->id, "why", why, (char *)0);
	r->status = JOB_RETRY;
	snprintf(r->text, sizeof r->text,
		"4.3.0 it can't be encrypted to the mailbox's key: %s", why);
}

/* What was written into a file without a name, in memory. -1: *r says why. */
static int
held(struct maildir_writer *w, enum queuebody_result body,
	struct delivery_result *r)
{
	maildir_push(w);
	if (body == QUEUEBODY_OK && !w->failed)
		return w->fd;
	if (body == QUEUEBODY_OK) {
		errno = w->error;
		refuse_error(r);
	} else {
		refuse_body(r, body);
	}
	close(w->fd);
	return -1;
}

/* What is in clear never comes onto the mailbox's disk. -1: *r says why. */
static int
hold_clear(struct job const *job, int fd, struct delivery_result *r)
{
	static struct maildir_writer w;

	w = (struct maildir_writer){.fd = memfd_create("clear", MFD_CLOEXEC)};
	if (w.fd < 0) {
		refuse_error(r);
		return -1;
	}
	return held(&w, write_clear(&w, job, fd), r);
}

/* The message encrypted, in a file; -1: *r says why not. */
static int
seal(struct delivery_place *p, struct job const *job, int fd,
	struct delivery_result *r)
{
	char why[ATREST_WHY];
	int clear_fd = hold_clear(job, fd, r), locked_fd;

	if (clear_fd < 0)
		return -1;
	locked_fd = atrest_lock(
		p->locker_fd, p->channel_fd, clear_fd, why, &p->is_locker_lost);
	close(clear_fd);
	if (locked_fd < 0)
		refuse_seal(r, job, why);
	return locked_fd;
}

/* locked_fd: the message encrypted, or -1. */
static enum queuebody_result
write_message(struct maildir_writer *w, char const *note, struct job const *job,
	int fd, int locked_fd, struct delivery_header const *header)
{
	struct job_recipient const *to = &job->recipients[0];
	enum queuebody_result r;
	struct stat st;

	put_line(w, "Return-Path: <", job->sender, job->sender_len, ">\n");
	put_line(w, "Delivered-To: ", to->address, to->address_len, "\n");
	maildir_write(w, note, strlen(note));
	maildir_write(w, job->lines, job->lines_len);
	if (header != NULL && locked_fd < 0) {
		put_line(w, "", header->s, header->len, "\n");
		return queuebody_copy(fd,
			job->message_offset + header->replaced,
			job->message_len - header->replaced, put, w);
	}
	r = queuebody_copy(fd, job->added_offset, job->added_len, put, w);
	if (r != QUEUEBODY_OK)
		return r;
	if (locked_fd < 0)
		return write_clear(w, job, fd);
	if (fstat(locked_fd, &st) < 0)
		return QUEUEBODY_FAILED;
	return queuebody_copy(locked_fd, 0, (uint64_t)st.st_size, put, w);
}

int
deliver_hold(struct delivery_place const *p, struct job const *job, int fd,
	struct delivery_result *r)
{
	static struct maildir_writer w;

	w = (struct maildir_writer){.fd = memfd_create("message", MFD_CLOEXEC)};
	if (w.fd < 0) {
		refuse_error(r);
		return -1;
	}
	return held(&w, write_message(&w, p->note, job, fd, -1, NULL), r);
}

/* A mailbox that was only made as a folder becomes a maildir. */
static bool
begin(struct maildir_writer *w, int folder_fd, char const *hostname,
	char const *id)
{
	return maildir_begin(w, folder_fd, hostname, id) ||
	       (errno == ENOENT && maildir_create(folder_fd, ".") &&
		       maildir_begin(w, folder_fd, hostname, id));
}

bool
deliver_is_welcome(
	struct job const *job, int fd, struct delivery_result *result)
{
	struct job_recipient const *to = &job->recipients[0];
	struct queuebody const b = {.fd = fd,
		.message_offset = job->message_offset,
		.message_len = job->message_len,
		.added_offset = job->added_offset,
		.added_len = job->added_len};
	enum queuebody_result body;
	bool loops;

	if (!is_clean(to->address, to->address_len) ||
		!is_clean(job->sender, job->sender_len)) {
		deliver_refuse(result, JOB_FAILED, "5.1.0 malformed address");
		return false;
	}
	body = queuebody_find_loop(&b, to->address, to->address_len, &loops);
	if (body != QUEUEBODY_OK) {
		refuse_body(result, body);
		return false;
	}
	if (loops)
		deliver_refuse(result, JOB_FAILED,
			"5.4.6 the message was delivered here before");
	return !loops;
}

static bool
write_file(struct maildir_writer *w, char const *note, struct job const *job,
	int fd, int locked_fd, struct delivery_header const *header,
	struct delivery_result *result)
{
	enum queuebody_result body =
		write_message(w, note, job, fd, locked_fd, header);

	if (body != QUEUEBODY_OK) {
		refuse_body(result, body);
		maildir_abort(w);
		return false;
	}
	maildir_push(w);
	return true;
}

bool
deliver_write(struct maildir_writer *w, struct delivery_place *p, int folder_fd,
	bool locks, struct job const *job, int fd,
	struct delivery_header const *header, struct delivery_result *result)
{
	int locked_fd = -1;
	bool ok;

	if (locks) {
		locked_fd = seal(p, job, fd, result);
		if (locked_fd < 0)
			return false;
	}
	ok = begin(w, folder_fd, p->hostname, job->id);
	if (ok)
		ok = write_file(w, p->note, job, fd, locked_fd, header, result);
	else
		refuse_error(result);
	if (locked_fd >= 0)
		close(locked_fd);
	return ok;
}

void
deliver_commit(struct maildir_writer *w, char const *flags,
	struct delivery_result *result)
{
	if (!maildir_commit(w, flags)) {
		refuse_error(result);
		return;
	}
	result->status = JOB_DONE;
	snprintf(result->text, sizeof result->text, "%s/%s",
		flags != NULL ? "cur" : "new", w->name);
}

bool
deliver_sync(int folder_fd, char const *sub)
{
	return maildir_sync(folder_fd, sub);
}
