/* One message to several recipients over a session: see transaction.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/addr.h"
#include "common/databody.h"
#include "common/queuefile.h"
#include "common/xtext.h"
#include "mime/reencode.h"
#include "remote/text.h"
#include "remote/transaction.h"

#define BLOCK 32768u

/* Steps: MAIL, then a RCPT each, then DATA; without DATA where the message goes
 * by BDAT. */
struct transaction {
	struct client *c;
	struct job const *job;
	struct transaction_result *results;
	char *text; /* of CLIENT_TEMPORARY */
	size_t open[JOB_RECIPIENTS_MAX];
	bool accepted[JOB_RECIPIENTS_MAX]; /* of open */
	size_t open_count, accepted_count;
	bool mail_accepted, data_accepted;
	bool unwanted;	 /* MAIL was refused for now: the session must end */
	bool is_changed; /* the message is sent as seven makes it */
	bool is_chunk;	 /* it goes as it is, by BDAT (RFC 3030) */
	struct reencode *seven;
};

static void
settle(struct transaction *t, size_t i, enum job_status status)
{
	struct transaction_result *r = &t->results[t->open[i]];

	r->status = (char)status;
	memcpy(r->text, t->text, CLIENT_TEXT_SIZE);
}

/* Those whose RCPT was accepted, or all. */
static void
settle_many(struct transaction *t, bool all, enum job_status status)
{
	for (size_t i = 0; i < t->open_count; i++)
		if (all || t->accepted[i])
			settle(t, i, status);
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
			settle(t, i, is_owed ? JOB_RELAYED : JOB_DONE);
	}
}

/* Nothing that could be read as another command or parameter leaves. */
static bool
is_sendable(char const *s, size_t len, bool utf8)
{
	unsigned flags = ADDR_ALLOW_LONG | (utf8 ? ADDR_ALLOW_UTF8 : 0);
	enum addr_error ignored;
	struct addr a;

	return len == 0 || addr_parse(s, len, flags, &a, &ignored);
}

static bool
message_size(struct job const *job, uint64_t *size_r)
{
	return !__builtin_add_overflow(
		       job->message_len, job->added_len, size_r) &&
	       !__builtin_add_overflow(*size_r, job->lines_len, size_r);
}

static bool
is_ascii(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 128)
			return false;
	return true;
}

static bool
has_ascii_addresses(struct transaction const *t)
{
	struct job const *job = t->job;

	for (size_t i = 0; i < t->open_count; i++) {
		struct job_recipient const *to = &job->recipients[t->open[i]];
		if (!is_ascii(to->address, to->address_len))
			return false;
	}
	return is_ascii(job->sender, job->sender_len);
}

/* Read a part of the file in pieces. False: it can't be read whole. */
static bool
read_part(int fd, uint64_t offset, uint64_t len,
	bool (*take)(void *data, char const *s, size_t n), void *data)
{
	static char in[BLOCK];

	while (len > 0) {
		ssize_t r;
		do
			r = pread(fd, in,
				len < sizeof in ? (size_t)len : sizeof in,
				(off_t)offset);
		while (r < 0 && errno == EINTR);
		if (r <= 0)
			return false;
		if (!take(data, in, (size_t)r))
			return false;
		offset += (uint64_t)r;
		len -= (uint64_t)r;
	}
	return true;
}

static bool
take_look(void *data, char const *s, size_t n)
{
	reencode_push(data, s, n);
	return true;
}

/*
 * RFC 6152 3, RFC 3030 3, RFC 6531 3.6: what the host lacks is made up for
 * where that can be. A message whose text needs nothing goes as it is. False:
 * it can't be sent; *code and *why say so.
 */
static bool
fit(struct transaction *t, int fd, char const **code, char const **why)
{
	struct reply_ehlo const *ehlo = &t->c->ehlo;
	struct job const *job = t->job;
	bool binary = job->flags & QUEUEFILE_BINARY;
	bool lacks_8bit = !ehlo->eightbit && (job->flags & QUEUEFILE_8BIT);
	bool lacks_utf8 = !ehlo->utf8 && (job->flags & QUEUEFILE_UTF8);
	/* It is signed as it is without 8-bit octets (RFC 6376 5.3). */
	bool is_seven = job->flags & JOB_SEVEN;
	bool keep_8bit =
		!is_seven && (ehlo->eightbit || !(binary || lacks_8bit));

	t->is_chunk = binary && !is_seven && !lacks_utf8 && ehlo->chunking &&
		      ehlo->binary;
	if (t->is_chunk || (!is_seven && !binary && !lacks_8bit && !lacks_utf8))
		return true;
	*code = "5.6.7";
	*why = "the host takes no SMTPUTF8";
	if (lacks_utf8 && !has_ascii_addresses(t))
		return false;
	reencode_start(t->seven, keep_8bit, !lacks_utf8 && keep_8bit);
	if (!read_part(fd, job->message_offset, job->message_len, take_look,
		    t->seven)) {
		*code = "4.3.0";
		*why = "the queue file cannot be read";
		return false;
	}
	t->is_changed = reencode_end(t->seven) && t->seven->is_needed;
	if (t->seven->error == REENCODE_FINE) {
		*why = NULL;
		return true;
	}
	if (t->seven->error == REENCODE_MEMORY) {
		*code = "4.3.0";
		*why = "no memory";
	} else if (!lacks_utf8) {
		*code = "5.6.3";
		*why = t->seven->error == REENCODE_HEADER
			       ? "the host takes no 8BITMIME, and a header "
				 "can't be encoded"
			       : "the host takes no 8BITMIME, and the message "
				 "is too complex to be encoded";
	}
	return false;
}

/* RFC 2852 4: seconds that are left. */
static int64_t
seconds_left(struct job const *job)
{
	return (int64_t)job->deliver_by - (int64_t)time(NULL);
}

/* RFC 8689 2, 5: only under TLS; a report goes also without it. */
static bool
takes_requiretls(struct transaction const *t)
{
	return t->c->ehlo.requiretls && strcmp(t->c->tls, "none") != 0;
}

/* What the host could not take anyway is told without asking it. */
static bool
check(struct transaction *t, int fd)
{
	struct reply_ehlo const *ehlo = &t->c->ehlo;
	struct job const *job = t->job;
	bool utf8 = (job->flags & QUEUEFILE_UTF8) && ehlo->utf8;
	char const *code = "5.3.4", *why = NULL;
	uint64_t size = 0;

	if (!message_size(job, &size))
		why = "the message is too large";
	else if (ehlo->size_max > 0 && size > ehlo->size_max)
		why = "the message is larger than the host takes";
	else if ((job->flags & QUEUEFILE_REQUIRETLS) && job->sender_len > 0 &&
		 !takes_requiretls(t))
		code = "5.7.30", why = "the host takes no REQUIRETLS";
	else if (job->by_mode == 'R' && !ehlo->deliver_by)
		code = "5.3.3", why = "the host takes no DELIVERBY";
	else if (job->by_mode == 'R' && seconds_left(job) <= 0)
		code = "4.4.7", why = "the time to deliver it is over";
	else if (!fit(t, fd, &code, &why))
		;
	else if (!is_sendable(job->sender, job->sender_len, utf8))
		code = "5.1.7", why = "the sender's address cannot be sent";
	for (size_t i = 0; i < t->open_count && why == NULL; i++) {
		struct job_recipient const *to = &job->recipients[t->open[i]];
		if (!is_sendable(to->address, to->address_len, utf8))
			code = "5.1.3",
			why = "a recipient's address cannot be sent";
	}
	if (why == NULL)
		return true;
	text_join(t->text, CLIENT_TEXT_SIZE, code, " ", t->c->peer, ": ", why,
		(char *)0);
	settle_many(t, true, *code == '4' ? JOB_RETRY : JOB_FAILED);
	return false;
}

/* RFC 3461 4.3, 4.4; RFC 2852 4; RFC 6710 4; RFC 8689 2. */
static void
put_wishes(struct transaction *t)
{
	struct reply_ehlo const *ehlo = &t->c->ehlo;
	struct job const *job = t->job;
	struct stream *s = &t->c->stream;
	char text[40];

	if (ehlo->dsn && job->ret != '\0')
		stream_puts(s, job->ret == 'F' ? " RET=FULL" : " RET=HDRS");
	if (ehlo->dsn && xtext_valid(job->envid, job->envid_len) &&
		job->envid_len > 0) {
		stream_puts(s, " ENVID=");
		stream_write(s, job->envid, job->envid_len);
	}
	if (ehlo->deliver_by && job->deliver_by > 0) {
		snprintf(text, sizeof text, " BY=%lld;%c%s",
			(long long)seconds_left(job), job->by_mode,
			job->by_trace ? "T" : "");
		stream_puts(s, text);
	}
	if (ehlo->priority && job->priority != 0) {
		snprintf(text, sizeof text, " MT-PRIORITY=%d", job->priority);
		stream_puts(s, text);
	}
	if ((job->flags & QUEUEFILE_REQUIRETLS) && takes_requiretls(t))
		stream_puts(s, " REQUIRETLS");
}

/* A type of address and xtext, or UTF-8 with SMTPUTF8 (RFC 6533 3). */
static bool
is_orcpt(struct transaction const *t, char const *s, size_t len)
{
	char const *semicolon = memchr(s, ';', len);
	size_t type = semicolon != NULL ? (size_t)(semicolon - s) : 0;

	if (type == 0 || type + 1 == len || !xtext_valid(s, type))
		return false;
	if (xtext_valid(s + type + 1, len - type - 1))
		return true;
	if (!(t->job->flags & QUEUEFILE_UTF8) || !t->c->ehlo.utf8)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 127)
			return false;
	return true;
}

static void
put_recipient_wishes(struct transaction *t, struct job_recipient const *to)
{
	static struct {
		unsigned notify;
		char const *name;
	} const names[] = {{QUEUEFILE_NOTIFY_NEVER, "NEVER"},
		{QUEUEFILE_NOTIFY_SUCCESS, "SUCCESS"},
		{QUEUEFILE_NOTIFY_FAILURE, "FAILURE"},
		{QUEUEFILE_NOTIFY_DELAY, "DELAY"}};
	char const *before = " NOTIFY=";

	if (!t->c->ehlo.dsn)
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (to->notify & names[i].notify) {
			stream_puts(&t->c->stream, before);
			stream_puts(&t->c->stream, names[i].name);
			before = ",";
		}
	if (is_orcpt(t, to->orcpt, to->orcpt_len)) {
		stream_puts(&t->c->stream, " ORCPT=");
		stream_write(&t->c->stream, to->orcpt, to->orcpt_len);
	}
}

static void
put_mail(struct transaction *t)
{
	struct stream *s = &t->c->stream;
	struct reply_ehlo const *ehlo = &t->c->ehlo;
	uint64_t size = 0;
	char text[40];

	stream_puts(s, "MAIL FROM:<");
	stream_write(s, t->job->sender, t->job->sender_len);
	stream_puts(s, ">");
	if (ehlo->size && message_size(t->job, &size)) {
		snprintf(text, sizeof text, " SIZE=%llu",
			(unsigned long long)size);
		stream_puts(s, text);
	}
	if (t->is_chunk)
		stream_puts(s, " BODY=BINARYMIME");
	else if (ehlo->eightbit && !(t->job->flags & JOB_SEVEN) &&
		 (t->job->flags & (QUEUEFILE_8BIT | QUEUEFILE_BINARY)))
		stream_puts(s, " BODY=8BITMIME");
	if (ehlo->utf8 && (t->job->flags & QUEUEFILE_UTF8))
		stream_puts(s, " SMTPUTF8");
	put_wishes(t);
	stream_puts(s, "\r\n");
}

static void
put(struct transaction *t, size_t step)
{
	struct stream *s = &t->c->stream;

	if (step == 0) {
		put_mail(t);
	} else if (step <= t->open_count) {
		struct job_recipient const *to =
			&t->job->recipients[t->open[step - 1]];
		stream_puts(s, "RCPT TO:<");
		stream_write(s, to->address, to->address_len);
		stream_puts(s, ">");
		put_recipient_wishes(t, to);
		stream_puts(s, "\r\n");
	} else {
		stream_puts(s, "DATA\r\n");
	}
}

/*
 * RFC 5321 4.5.3.1.10: too many recipients, by 452 or as RFC 821 had it by 552;
 * a 552 that speaks of a full mailbox is what it says.
 */
static bool
is_too_many(struct reply const *reply)
{
	static unsigned const code[3] = {5, 5, 3};

	return reply->code == 452 ||
	       (reply->code == 552 &&
		       (!reply->has_enhanced || memcmp(reply->enhanced, code,
							sizeof code) == 0));
}

static void
take_recipient(struct transaction *t, size_t i, struct reply const *reply)
{
	if (!t->mail_accepted)
		return;
	if (reply->code / 100 == 2) {
		t->accepted[i] = true;
		t->accepted_count++;
		return;
	}
	client_said(t->c, reply, t->text);
	if (is_too_many(reply)) {
		if (t->accepted_count == 0)
			settle(t, i, JOB_RETRY);
	} else {
		settle(t, i, reply->code / 100 == 5 ? JOB_FAILED : JOB_RETRY);
	}
}

static void
take_data(struct transaction *t, struct reply const *reply)
{
	t->data_accepted = reply->code == 354;
	if (t->data_accepted || t->accepted_count == 0)
		return;
	client_said(t->c, reply, t->text);
	settle_many(t, false, reply->code / 100 == 5 ? JOB_FAILED : JOB_RETRY);
	/* A success without the message: who knows where we are. */
	t->unwanted = reply->code / 100 < 4;
}

static void
take(struct transaction *t, size_t step, struct reply const *reply)
{
	if (step > t->open_count) {
		take_data(t, reply);
	} else if (step > 0) {
		take_recipient(t, step - 1, reply);
	} else if (reply->code / 100 == 2) {
		t->mail_accepted = true;
	} else {
		client_said(t->c, reply, t->text);
		if (reply->code / 100 == 5)
			settle_many(t, true, JOB_FAILED);
		else
			t->unwanted = true;
	}
}

/* Whether a step makes no sense after what the host said before. */
static bool
is_pointless(struct transaction const *t, size_t step)
{
	return (step > 0 && !t->mail_accepted) ||
	       (step > t->open_count && t->accepted_count == 0);
}

/* Up to the reply to DATA. False: the session failed. */
static bool
envelope(struct transaction *t)
{
	size_t steps = t->open_count + (t->is_chunk ? 1 : 2);
	bool at_once = t->c->ehlo.pipelining;
	struct reply reply;

	client_limit(t->c, CLIENT_WAIT_COMMAND);
	if (at_once)
		for (size_t i = 0; i < steps; i++)
			put(t, i);
	for (size_t i = 0; i < steps; i++) {
		if (!at_once && is_pointless(t, i))
			break;
		if (!at_once)
			put(t, i);
		char said[CLIENT_TEXT_SIZE];
		if (!client_reply(t->c,
			    i + 1 < steps ? CLIENT_WAIT_COMMAND
					  : CLIENT_WAIT_DATA,
			    &reply, said)) {
			/* Why MAIL was refused tells more than the hanging up
			 * that followed. */
			if (!t->unwanted)
				memcpy(t->text, said, sizeof said);
			return false;
		}
		/* RFC 5321 3.8: with 421 the host leaves, whatever was asked.
		 */
		if (reply.code == 421) {
			client_said(t->c, &reply, t->text);
			return false;
		}
		take(t, i, &reply);
	}
	return true;
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
	static char out[BODY_MOST(BLOCK)];
	struct sending *x = data;

	while (len > 0 && !x->is_lost) {
		size_t n = len < BLOCK ? len : BLOCK;
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

	(void)message_size(t->job, &size);
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
	ok = read_part(fd, job->added_offset, job->added_len, take_plain, &x) &&
	     read_part(fd, job->message_offset, job->message_len,
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
		settle_many(t, false, JOB_RETRY);
		return CLIENT_OK;
	case SENT_UNREADABLE:
		/* Without the final dot the host throws it away. */
		client_close(t->c);
		text_join(t->text, CLIENT_TEXT_SIZE,
			"4.3.0 the queue file cannot be read", (char *)0);
		settle_many(t, false, JOB_RETRY);
		return CLIENT_OK;
	}
	if (!end_of_data(t, &b, &reply)) {
		/* It may have been taken: no other host gets it now. */
		settle_many(t, false, JOB_RETRY);
		return CLIENT_OK;
	}
	client_said(t->c, &reply, t->text);
	if (reply.code / 100 == 2)
		settle_done(t);
	else
		settle_many(t, false,
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
	if (t->open_count == 0 || !check(t, file_fd))
		return CLIENT_OK;
	if (!envelope(t)) {
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
