/* MAIL, RCPT and DATA, and what the host says to them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/queuefile.h"
#include "common/xtext.h"
#include "remote/text.h"
#include "remote/transaction_parts.h"

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
			(long long)transaction_seconds_left(job), job->by_mode,
			job->by_trace ? "T" : "");
		stream_puts(s, text);
	}
	if (ehlo->priority && job->priority != 0) {
		snprintf(text, sizeof text, " MT-PRIORITY=%d", job->priority);
		stream_puts(s, text);
	}
	if ((job->flags & QUEUEFILE_REQUIRETLS) &&
		transaction_takes_requiretls(t))
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
	if (ehlo->size && transaction_size(t->job, &size)) {
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
			transaction_settle(t, i, JOB_RETRY);
	} else {
		transaction_settle(
			t, i, reply->code / 100 == 5 ? JOB_FAILED : JOB_RETRY);
	}
}

static void
take_data(struct transaction *t, struct reply const *reply)
{
	t->data_accepted = reply->code == 354;
	if (t->data_accepted || t->accepted_count == 0)
		return;
	client_said(t->c, reply, t->text);
	transaction_settle_many(
		t, false, reply->code / 100 == 5 ? JOB_FAILED : JOB_RETRY);
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
			transaction_settle_many(t, true, JOB_FAILED);
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
bool
transaction_envelope(struct transaction *t)
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
