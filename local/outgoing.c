/* What a delivery puts into the queue; see outgoing.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "common/drop.h"
#include "common/queuebody.h"
#include "common/queuefile.h"
#include "local/outgoing.h"

#define FORWARDED_FLAGS                                                        \
	(QUEUEFILE_8BIT | QUEUEFILE_UTF8 | QUEUEFILE_BINARY |                  \
		QUEUEFILE_REQUIRETLS)
#define ORIGIN "filter"

#define OPEN_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void
outgoing_open(struct outgoing *o)
{
	o->tmp_fd = open("queue/tmp", OPEN_FLAGS);
	o->new_fd = open("queue/new", OPEN_FLAGS);
}

/* A line end as the queue has it. */
struct crlf {
	struct drop *drop;
	bool was_cr;
};

static void
put_crlf(struct crlf *c, char const *s, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n' && !c->was_cr) {
			drop_message(c->drop, s + start, i - start);
			drop_message(c->drop, "\r\n", 2);
			start = i + 1;
		}
		c->was_cr = s[i] == '\r';
	}
	drop_message(c->drop, s + start, len - start);
}

static void
put(void *data, char const *s, size_t len)
{
	drop_message(data, s, len);
}

static void
put_added(void *data, char const *s, size_t len)
{
	drop_added(data, s, len);
}

static bool
body_ok(enum queuebody_result r)
{
	if (r == QUEUEBODY_SHORT)
		errno = EIO;
	return r == QUEUEBODY_OK;
}

static bool
write_message(struct drop *d, struct job const *job, int fd,
	struct delivery_header const *header)
{
	struct crlf c = {.drop = d};
	uint64_t const skip = header != NULL ? header->replaced : 0;

	if (header != NULL) {
		put_crlf(&c, header->s, header->len);
		put_crlf(&c, "\n", 1);
	}
	return body_ok(queuebody_copy(fd, job->message_offset + skip,
		job->message_len - skip, put, d));
}

/* A header that was changed has the added lines in it. */
static bool
write_added(struct drop *d, struct job const *job, int fd,
	struct delivery_header const *header)
{
	struct job_recipient const *const to = &job->recipients[0];

	drop_added(d, "Delivered-To: ", 14);
	drop_added(d, to->address, to->address_len);
	drop_added(d, "\r\n", 2);
	drop_added(d, job->lines, job->lines_len);
	return header != NULL || body_ok(queuebody_copy(fd, job->added_offset,
					 job->added_len, put_added, d));
}

/* RFC 3461, 5.2.7.3: a success is reported by whom it reaches last, or not
 * at all. */
static unsigned
passed_on(unsigned notify)
{
	return notify == QUEUEFILE_NOTIFY_SUCCESS
		       ? QUEUEFILE_NOTIFY_NEVER
		       : notify & ~QUEUEFILE_NOTIFY_SUCCESS;
}

static bool
is_ascii(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] > 127)
			return false;
	return true;
}

static struct drop *
begin(struct outgoing const *o, struct drop_envelope *e)
{
	static struct drop d;

	e->origin = ORIGIN;
	e->origin_len = sizeof ORIGIN - 1;
	return drop_begin(&d, o->tmp_fd, o->new_fd, DROP_SYNC_FILE, e) ? &d
								       : NULL;
}

static bool
commit(struct drop *d, bool ok)
{
	int error;

	if (ok)
		return drop_commit(d);
	error = errno;
	drop_abort(d);
	errno = error;
	return false;
}

bool
outgoing_forward(struct outgoing const *o, struct job const *job, int fd,
	char const *address, size_t len, struct delivery_header const *header)
{
	struct job_recipient const *const from = &job->recipients[0];
	struct queuefile_recipient to = {.address = address,
		.address_len = len,
		.state = QUEUEFILE_TODO,
		.notify = passed_on(from->notify),
		.orcpt = from->orcpt_len > 0 ? from->orcpt : NULL,
		.orcpt_len = from->orcpt_len};
	struct drop_envelope e = {.sender = job->sender,
		.sender_len = job->sender_len,
		.recipients = &to,
		.recipient_count = 1,
		.flags = (job->flags & FORWARDED_FLAGS) | QUEUEFILE_FORWARDED,
		.priority = job->priority,
		.ret = job->ret,
		.envid = job->envid_len > 0 ? job->envid : NULL,
		.envid_len = job->envid_len};
	struct drop *d;

	if (!is_ascii(address, len))
		e.flags |= QUEUEFILE_UTF8;
	d = begin(o, &e);
	return d != NULL && commit(d, write_message(d, job, fd, header) &&
					      write_added(d, job, fd, header));
}

bool
outgoing_answer(struct outgoing const *o, char const *address, size_t len,
	char const *message, size_t message_len)
{
	struct queuefile_recipient to = {.address = address,
		.address_len = len,
		.state = QUEUEFILE_TODO,
		.notify = QUEUEFILE_NOTIFY_NEVER};
	struct drop_envelope e = {
		.sender = "", .recipients = &to, .recipient_count = 1};
	struct drop *d;
	struct crlf c = {0};

	if (!is_ascii(address, len))
		e.flags |= QUEUEFILE_UTF8;
	if (!is_ascii(message, message_len))
		e.flags |= QUEUEFILE_8BIT;
	d = begin(o, &e);
	if (d == NULL)
		return false;
	c.drop = d;
	put_crlf(&c, message, message_len);
	return commit(d, true);
}
