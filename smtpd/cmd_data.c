/* DATA (RFC 5321 4.1.1.4): the message goes into the queue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/log.h"
#include "smtpd/cmd.h"
#include "smtpd/data.h"
#include "smtpd/hops.h"
#include "smtpd/received.h"

/* Recipients of one message that its log line names. */
#define LOGGED_MAX 20

struct intake {
	struct smtp_data data;
	struct smtp_hops hops;
	uint64_t size;
	int error;	 /* of the queue, errno; 0: none */
	bool is_dropped; /* the file is gone already */
	/* The drop keeps pointers to these. */
	struct queuefile_recipient *recipients;
	char origin[QUEUEFILE_ORIGIN_MAX];
};

/* Queue trouble as the client hears it. What a person must make room for is
 * told apart, so that nobody looks for a broken disk. */
static enum smtp_reply
shortage(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return SMTP_R_QUEUE_FULL;
	default:
		return SMTP_R_TROUBLE;
	}
}

/* What is wrong with the message so far, or SMTP_R_QUEUED. */
static enum smtp_reply
judge(struct smtp_session const *s, struct intake const *in)
{
	if (in->data.flaws != 0)
		return SMTP_R_FLAWED;
	if (s->size_max > 0 && in->size > s->size_max)
		return SMTP_R_TOO_BIG;
	if (in->hops.count > SMTP_HOPS_MAX)
		return SMTP_R_LOOP;
	return in->error ? shortage(in->error) : SMTP_R_QUEUED;
}

/* A piece of the message. Once it is lost its file is removed at once: the rest
 * is read and forgotten. */
static void
take(struct smtp_session *s, struct intake *in, char const *span, size_t len)
{
	/* Can't overflow: nobody sends 2^64 octets. */
	in->size += len;
	if (in->is_dropped)
		return;
	smtp_hops_push(&in->hops, span, len);
	if (judge(s, in) == SMTP_R_QUEUED)
		drop_message(&s->drop, span, len);
	if (s->drop.failed)
		in->error = s->drop.error;
	if (judge(s, in) != SMTP_R_QUEUED) {
		drop_abort(&s->drop);
		in->is_dropped = true;
	}
}

/* Read to the end of the message. False: the client is gone, or too slow. */
static bool
receive(struct smtp_session *s, struct intake *in)
{
	struct stream *stream = &s->front->stream;
	int const volatile *stop = stream->stop;
	int r = 1;

	/* A message that has begun is finished also when we are to stop. */
	stream->stop = NULL;
	while (in->data.state != SMTP_DATA_END) {
		char const *span;
		size_t span_len;

		if (stream_pending(stream) == 0) {
			smtp_session_limit(s, in->size);
			r = stream_fill(stream);
		}
		if (r <= 0)
			break;
		stream->in_start +=
			smtp_data_push(&in->data, stream->in + stream->in_start,
				stream_pending(stream), &span, &span_len);
		take(s, in, span, span_len);
	}
	stream->stop = stop;
	if (r <= 0)
		smtp_session_broken(s, r);
	return r > 0;
}

/* Where the message came from, for people who look at the queue. */
static size_t
write_origin(struct smtp_session const *s, char origin[QUEUEFILE_ORIGIN_MAX])
{
	char const *parts[] = {"smtp ", s->front->client,
		s->mailbox ? " as " : "", s->mailbox ? s->mailbox : ""};
	size_t len = 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t n = strlen(parts[i]), room = QUEUEFILE_ORIGIN_MAX - len;

		if (n > room)
			n = room;
		memcpy(origin + len, parts[i], n);
		len += n;
	}
	return len;
}

static bool
begin(struct smtp_session *s, struct intake *in)
{
	struct drop_envelope envelope = {.origin = in->origin,
		.origin_len = write_origin(s, in->origin),
		.sender = s->sender,
		.sender_len = s->sender_len,
		.recipient_count = s->to_count,
		.flags = s->flags};
	char const *to = s->to.s;

	in->recipients = calloc(s->to_count, sizeof *in->recipients);
	if (in->recipients == NULL)
		return false;
	for (size_t i = 0; i < s->to_count; i++) {
		size_t n = strlen(to);

		in->recipients[i] = (struct queuefile_recipient){.address = to,
			.address_len = n,
			.state = QUEUEFILE_TODO};
		to += n + 1;
	}
	envelope.recipients = in->recipients;
	return drop_begin(&s->drop, FRONT_TMP_FD, FRONT_NEW_FD,
		DROP_SYNC_FOLDER, &envelope);
}

static bool
commit(struct smtp_session *s)
{
	char field[SMTP_RECEIVED_MAX];
	struct smtp_received received = {.helo = s->client.helo,
		.client = s->front->client,
		.host = s->front->hostname,
		.id = s->drop.q.id,
		.tls = s->client.tls,
		.is_extended = s->is_extended,
		.is_login = s->mode == SMTP_MODE_OWNER,
		.recipient = s->to_count == 1 ? s->to.s : NULL,
		.seconds = s->drop.q.arrived / 1000000};

	drop_added(&s->drop, field, smtp_received_format(field, &received));
	return drop_commit(&s->drop);
}

static void
log_accepted(struct smtp_session const *s, uint64_t size)
{
	struct log_line line;
	char const *to = s->to.s;

	log_begin(&line, "accepted", s->drop.q.id);
	log_text(&line, "client", s->front->client, strlen(s->front->client));
	log_text(&line, "helo", s->client.helo, strlen(s->client.helo));
	if (s->mailbox != NULL)
		log_text(&line, "mailbox", s->mailbox, strlen(s->mailbox));
	log_text(&line, "from", s->sender, s->sender_len);
	log_number(&line, "size", size);
	if (s->client.tls[0] != '\0')
		log_text(&line, "tls", s->client.tls, strlen(s->client.tls));
	log_number(&line, "recipients", s->to_count);
	for (size_t i = 0; i < s->to_count && i < LOGGED_MAX; i++) {
		log_text(&line, "to", to, strlen(to));
		to += strlen(to) + 1;
	}
	log_end(&line);
}

/* From the end of the message to the answer. */
static void
finish(struct smtp_session *s, struct intake *in)
{
	enum smtp_reply verdict = judge(s, in);

	if (verdict == SMTP_R_QUEUED && !commit(s)) {
		in->error = errno;
		verdict = shortage(in->error);
	}
	if (verdict == SMTP_R_QUEUED) {
		s->accepted++;
		smtp_session_renew(s);
		log_accepted(s, in->size);
		smtp_session_reply(s, verdict, s->drop.q.id);
		return;
	}
	drop_abort(&s->drop);
	if (in->error != 0) {
		errno = in->error;
		log_error("queue-failed", s->drop.q.id, (char *)0);
	}
	smtp_session_refuse(s, verdict, "", NULL);
}

void
smtp_cmd_data(struct smtp_session *s, char const *argument, size_t len)
{
	struct intake in = {.data = SMTP_DATA_ZERO, .hops = SMTP_HOPS_ZERO};

	(void)argument;
	if (len > 0) {
		smtp_session_reply(s, SMTP_R_SYNTAX, "DATA");
		return;
	}
	if (s->to_count == 0) {
		smtp_session_reply(s,
			s->refused_count > 0 ? SMTP_R_NO_RECIPIENTS
					     : SMTP_R_NEED_RCPT,
			"");
		return;
	}
	if (!begin(s, &in)) {
		in.error = errno;
		log_error("queue-failed", NULL, (char *)0);
		smtp_session_refuse(s, shortage(in.error), "", NULL);
	} else {
		smtp_session_reply(s, SMTP_R_GO_AHEAD, "");
		if (receive(s, &in))
			finish(s, &in);
		else
			drop_abort(&s->drop);
	}
	free(in.recipients);
	smtp_session_reset(s);
}
