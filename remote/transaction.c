/* One message to several recipients over a session: see transaction.h. */
#include <stdio.h>
#include <string.h>
#include "common/databody.h"
#include "common/queuefile.h"
#include "mime/reencode.h"
#include "remote/text.h"
#include "remote/transaction.h"
#include "remote/transaction_parts.h"

void
transaction_settle(struct transaction *t, size_t i, enum job_status status)
{
	struct transaction_result *r = &t->results[t->open[i]];

	r->status = (char)status;
	memcpy(r->text, t->text, CLIENT_TEXT_SIZE);
}

/* Those whose RCPT was accepted, or all. */
void
transaction_settle_many(struct transaction *t, bool all, enum job_status status)
{
	for (size_t i = 0; i < t->open_count; i++)
		if (all || t->accepted[i])
			transaction_settle(t, i, status);
}

/* Taken. Where the sender wants to hear of it and the host won't tell, we must
 * (RFC 3461 5.2.2; RFC 2852 4). */
static void
settle_done(struct transaction *t)
{
	struct reply_ehlo const *ehlo = &t->c->ehlo;

	for (size_t i = 0; i < t->open_count; i++) {
		struct job_recipient const *to =
			&t->job->recipients[t->open[i]];
		bool is_owed =
			(!ehlo->dsn &&
				(to->notify & QUEUEFILE_NOTIFY_SUCCESS)) ||
			(t->job->by_mode == 'N' && !ehlo->deliver_by);
		if (t->accepted[i])
			transaction_settle(
				t, i, is_owed ? JOB_RELAYED : JOB_DONE);
	}
}

enum sent { SENT = 1, SENT_LOST, SENT_UNREADABLE };

/* The message on its way to the host. */
struct sending {
	struct transaction *t;
	struct body *b;
	bool is_lost;
};

static void
send_octets(void *data, char const *s, size_t len)
{
	static char out[BODY_MOST(TRANSACTION_BLOCK)];
	struct sending *x = data;

	while (len > 0 && !x->is_lost) {
		size_t n = len < TRANSACTION_BLOCK ? len : TRANSACTION_BLOCK;
		bool is_chunk = x->t->is_chunk;
		size_t made = is_chunk ? n : body_push(x->b, s, n, out);
		x->is_lost = !stream_write(&x->t->c->stream, is_chunk ? s : out,
				     made) ||
			     stream_clock_ms() > x->t->c->give_up_ms;
		s += n;
		len -= n;
	}
}

static bool
take_plain(void *data, char const *s, size_t n)
{
	struct sending *x = data;

	send_octets(x, s, n);
	return !x->is_lost;
}

static bool
take_changed(void *data, char const *s, size_t n)
{
	struct sending *x = data;

	reencode_push(x->t->seven, s, n);
	return !x->is_lost;
}

/* RFC 3030 2: one chunk, since its size is known. */
static void
put_chunk(struct transaction *t)
{
	uint64_t size = 0;
	char text[40];

	(void)transaction_size(t->job, &size);
	snprintf(text, sizeof text, "BDAT %llu LAST\r\n",
		(unsigned long long)size);
	stream_puts(&t->c->stream, text);
}

/* All but the final dot, which makes it the host's. */
static enum sent
send_parts(struct transaction *t, struct body *b, int fd)
{
	struct job const *job = t->job;
	struct sending x = {.t = t, .b = b};
	bool ok;

	client_limit(t->c, CLIENT_WAIT_BLOCK);
	if (t->is_chunk)
		put_chunk(t);
	send_octets(&x, job->lines, job->lines_len);
	if (t->is_changed)
		reencode_write(t->seven, send_octets, &x);
	ok = transaction_read(
		     fd, job->added_offset, job->added_len, take_plain, &x) &&
	     transaction_read(fd, job->message_offset, job->message_len,
		     t->is_changed ? take_changed : take_plain, &x);
	if (ok && t->is_changed)
		ok = reencode_end(t->seven);
	if (x.is_lost)
		return SENT_LOST;
	return ok ? SENT : SENT_UNREADABLE;
}

static bool
end_of_data(struct transaction *t, struct body *b, struct reply *reply)
{
	char end[BODY_END_MOST];

	if (!t->is_chunk)
		stream_write(&t->c->stream, end, body_end(b, end));
	return client_reply(t->c, CLIENT_WAIT_END, reply, t->text);
}

/* The message itself, to those who were accepted. */
static enum client_status
hand_over(struct transaction *t, int fd)
{
	struct body b = BODY_ZERO;
	struct reply reply;

	switch (send_parts(t, &b, fd)) {
	case SENT:
		break;
	case SENT_LOST:
		client_close(t->c);
		text_join(t->text, CLIENT_TEXT_SIZE, "4.4.2 ", t->c->peer,
			": the connection was lost while the message was sent",
			(char *)0);
		/* What made us give up may have come with its last octet,
		 * and no dot was to follow. */
		if (!t->is_chunk)
			return CLIENT_TEMPORARY;
		transaction_settle_many(t, false, JOB_RETRY);
		return CLIENT_OK;
	case SENT_UNREADABLE:
		/* Without the final dot the host throws it away. */
		client_close(t->c);
		text_join(t->text, CLIENT_TEXT_SIZE,
			"4.3.0 the queue file cannot be read", (char *)0);
		transaction_settle_many(t, false, JOB_RETRY);
		return CLIENT_OK;
	}
	if (!end_of_data(t, &b, &reply)) {
		/* It may have been taken: no other host gets it now. */
		transaction_settle_many(t, false, JOB_RETRY);
		return CLIENT_OK;
	}
	client_said(t->c, &reply, t->text);
	if (reply.code / 100 == 2)
		settle_done(t);
	else
		transaction_settle_many(t, false,
			reply.code / 100 == 5 ? JOB_FAILED : JOB_RETRY);
	if (reply.code == 421)
		client_close(t->c);
	return CLIENT_OK;
}

/*
 * Nobody was accepted: get out of the transaction. A host that took DATA all
 * the same gets a message of nothing for nobody (RFC 2920 3.1).
 */
static void
leave(struct transaction *t)
{
	struct body b = BODY_ZERO;
	char said[CLIENT_TEXT_SIZE];
	struct reply reply;

	t->text = said;
	if (t->data_accepted && !end_of_data(t, &b, &reply))
		return;
	client_limit(t->c, CLIENT_WAIT_COMMAND);
	stream_puts(&t->c->stream, "RSET\r\n");
	if (client_reply(t->c, CLIENT_WAIT_COMMAND, &reply, said) &&
		reply.code / 100 != 2)
		client_quit(t->c);
}

static enum client_status
run(struct transaction *t, int file_fd)
{
	if (t->open_count == 0 || !transaction_fits(t, file_fd))
		return CLIENT_OK;
	if (!transaction_envelope(t)) {
		client_close(t->c);
		return CLIENT_TEMPORARY;
	}
	if (t->unwanted) {
		client_quit(t->c);
		return t->mail_accepted ? CLIENT_OK : CLIENT_TEMPORARY;
	}
	if (t->accepted_count > 0 && (t->data_accepted || t->is_chunk))
		return hand_over(t, file_fd);
	leave(t);
	return CLIENT_OK;
}

enum client_status
transaction_send(struct client *c, struct job const *job, int file_fd,
	struct transaction_result *results, char text_r[CLIENT_TEXT_SIZE])
{
	static struct reencode seven;
	struct transaction t = {.c = c,
		.job = job,
		.results = results,
		.text = text_r,
		.seven = &seven};
	enum client_status status;

	for (size_t i = 0; i < job->recipient_count; i++)
		if (results[i].status == 0)
			t.open[t.open_count++] = i;
	status = run(&t, file_fd);
	reencode_free(&seven);
	return status;
}
