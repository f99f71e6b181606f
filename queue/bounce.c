/* Putting a delivery report into the queue. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/drop.h"
#include "common/log.h"
#include "common/queuebody.h"
#include "queue/bounce.h"
#include "queue/dsn.h"

static char const postmaster[] = "postmaster";

/* The original on its way into the report: lines that lack a CR get it, a bare
 * CR and NUL go. */
struct original {
	struct drop *d;
	char last;
};

static void
put_original(void *data, char const *s, size_t len)
{
	struct original *o = data;

	for (size_t i = 0; i < len;) {
		size_t start = i;
		while (i < len && s[i] != '\n' && s[i] != '\r' && s[i] != '\0')
			i++;
		if (i > start) {
			drop_message(o->d, s + start, i - start);
			o->last = s[i - 1];
		}
		if (i < len && s[i++] == '\n') {
			drop_message(o->d, "\r\n", 2);
			o->last = '\n';
		}
	}
}

static bool
has_8bit(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 128)
			return true;
	return false;
}

/* RFC 3461 4.3: the whole message comes back with failures alone. What is
 * binary can't stand in a report (RFC 2046 5.2.1 allows it no encoding). */
static bool
is_full(struct queuefile const *q)
{
	bool failed = false;

	for (size_t i = 0; i < q->recipient_count; i++)
		failed = failed || q->recipients[i].state == QUEUEFILE_FAILED;
	return failed && q->ret == 'F' && !(q->flags & QUEUEFILE_BINARY) &&
	       q->message_len <= BOUNCE_FULL_MAX &&
	       q->added_len <= BOUNCE_HEADER_MAX;
}

/* The added lines, then the message's header. */
static bool
read_header(struct queued const *m, stralloc *sa)
{
	return queuebody_header(m->fd, m->q.added_offset, m->q.added_len,
		       BOUNCE_HEADER_MAX, sa) == QUEUEBODY_OK &&
	       queuebody_header(m->fd, m->q.message_offset, m->q.message_len,
		       BOUNCE_HEADER_MAX, sa) == QUEUEBODY_OK;
}

static bool
put_report(struct drop *d, struct dsn const *dsn, struct queued const *m,
	stralloc const *header)
{
	struct original o = {.d = d, .last = '\n'};
	stralloc text = STRALLOC_ZERO;
	bool ok = dsn_head(&text, dsn);

	if (ok)
		drop_message(d, text.s, text.len);
	if (!dsn->is_full)
		put_original(&o, header->s, header->len);
	else
		ok = ok &&
		     queuebody_copy(m->fd, m->q.added_offset, m->q.added_len,
			     put_original, &o) == QUEUEBODY_OK &&
		     queuebody_copy(m->fd, m->q.message_offset,
			     m->q.message_len, put_original,
			     &o) == QUEUEBODY_OK;
	if (o.last != '\n')
		drop_message(d, "\r\n", 2);
	text.len = 0;
	ok = ok && dsn_end(&text, dsn);
	if (ok)
		drop_message(d, text.s, text.len);
	stralloc_free(&text);
	return ok;
}

static enum helper_result
write_file(struct bounce_place const *place, struct dsn *dsn,
	struct queued const *m, stralloc const *header)
{
	static struct drop d;
	char origin[32];
	struct queuefile_recipient to = {.address = dsn->to,
		.address_len = dsn->to_len,
		.state = QUEUEFILE_TODO};
	struct drop_envelope e = {.origin = origin,
		.sender = "",
		.recipients = &to,
		.recipient_count = 1,
		.flags = QUEUEFILE_OWN | (m->q.flags & QUEUEFILE_UTF8) |
			 (m->q.flags & QUEUEFILE_REQUIRETLS) |
			 (dsn->is_8bit ? QUEUEFILE_8BIT : 0) |
			 (dsn->is_double ? QUEUEFILE_DOUBLE : 0),
		.has_dropper = true,
		.dropper = getuid()};

	e.origin_len =
		(size_t)snprintf(origin, sizeof origin, "bounce %s", m->q.id);
	if (!drop_begin(&d, place->tmp_fd, place->new_fd, DROP_SYNC_FOLDER, &e))
		return HELPER_FAILED;
	dsn->id = d.q.id;
	if (!put_report(&d, dsn, m, header)) {
		drop_abort(&d);
		return HELPER_FAILED;
	}
	if (!drop_commit(&d))
		return HELPER_FAILED;
	log_event(dsn->is_double ? "double-bounced" : "bounced", m->q.id, "as",
		dsn->id, (char *)0);
	return HELPER_OK;
}

/* One report, on all that q tells of, to its sender. */
static enum helper_result
write_one(struct bounce_place const *place, struct queued const *m,
	struct queuefile const *q, stralloc const *header)
{
	struct dsn dsn = {.hostname = place->hostname,
		.to = q->sender,
		.to_len = q->sender_len,
		.now = place->now,
		.arrived = q->arrived / 1000000,
		.retry_until = q->expires,
		.q = q,
		.is_late = m->is_late,
		.is_double = q->sender_len == 0,
		.is_full = is_full(q)};

	if (dsn.is_double) {
		dsn.to = postmaster;
		dsn.to_len = sizeof postmaster - 1;
	}
	dsn.is_8bit = has_8bit(header->s, header->len) ||
		      (q->flags & QUEUEFILE_UTF8) ||
		      (dsn.is_full && (q->flags & QUEUEFILE_8BIT));
	return write_file(place, &dsn, m, header);
}

/* To a list: each recipient's goes where that alone is told from. */
static enum helper_result
write_each(struct bounce_place const *place, struct queued const *m,
	stralloc const *header)
{
	enum helper_result r = HELPER_OK;

	for (size_t i = 0; i < m->q.recipient_count && r == HELPER_OK; i++) {
		struct queuefile q = m->q;
		char sender[QUEUEFILE_ADDRESS_MAX + 1];
		q.recipients += i;
		q.recipient_count = 1;
		if (q.recipients->state == QUEUEFILE_TODO ||
			q.recipients->state == QUEUEFILE_DONE ||
			q.recipients->state == QUEUEFILE_TOLD)
			continue;
		q.sender_len = queued_sender(m, i, sender);
		q.sender = sender;
		r = write_one(place, m, &q, header);
	}
	return r;
}

enum helper_result
bounce_write(struct bounce_place const *place, struct queued const *m)
{
	stralloc header = STRALLOC_ZERO;
	enum helper_result r;

	/* A header that can't be read is left out: the sender still learns. */
	if (!read_header(m, &header))
		header.len = 0;
	r = m->q.flags & QUEUEFILE_VERP ? write_each(place, m, &header)
					: write_one(place, m, &m->q, &header);
	if (r == HELPER_FAILED)
		log_error("bounce-failed", m->q.id, (char *)0);
	stralloc_free(&header);
	return r;
}
