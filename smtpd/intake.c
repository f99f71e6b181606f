/* A message on its way into the queue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/log.h"
#include "smtpd/guard.h"
#include "smtpd/intake.h"
#include "smtpd/load.h"
#include "smtpd/session.h"
#include "smtpd/stamp.h"

/* Recipients of one message that its log line names. */
#define LOGGED_MAX 20

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

enum smtp_reply
smtp_intake_judge(struct smtp_session const *s)
{
	struct smtp_intake const *in = &s->intake;

	if (in->data.flaws != 0 && !s->may_repair && !s->mail.is_binary)
		return SMTP_R_FLAWED;
	if (s->size_max > 0 && in->size > s->size_max)
		return SMTP_R_TOO_BIG;
	if (in->data.longest > s->line_max && !s->mail.is_binary)
		return SMTP_R_LONG_LINE;
	if (in->glance.hops > SMTP_HOPS_MAX)
		return SMTP_R_LOOP;
	return in->error ? shortage(in->error) : SMTP_R_QUEUED;
}

/* The last of the steps that a piece goes through. */
static void
store(void *data, char const *s, size_t len)
{
	struct smtp_session *session = data;

	smtp_glance_push(&session->intake.glance, s, len);
	drop_message(&session->intake.drop, s, len);
}

static void
store_fields(void *data, char const *s, size_t len)
{
	struct smtp_session *session = data;

	if (session->mode == SMTP_MODE_OWNER)
		smtp_fields_push(&session->intake.fields, s, len, store, data);
	else
		store(data, s, len);
}

void
smtp_intake_take(struct smtp_session *s, char const *span, size_t len)
{
	struct smtp_intake *in = &s->intake;

	/* Can't overflow: nobody sends 2^64 octets. */
	in->size += len;
	if (in->is_dropped)
		return;
	if (smtp_intake_judge(s) == SMTP_R_QUEUED) {
		if (s->may_repair && !s->mail.is_binary)
			smtp_repair_push(
				&in->repair, span, len, store_fields, s);
		else
			store_fields(s, span, len);
	}
	if (in->drop.failed)
		in->error = in->drop.error;
	if (smtp_intake_judge(s) != SMTP_R_QUEUED) {
		drop_abort(&in->drop);
		in->is_dropped = true;
	}
}

/* What the steps still hold; and a line end, where BDAT brought none. */
static void
end_message(struct smtp_session *s)
{
	struct smtp_intake *in = &s->intake;

	/* Nothing can follow the CR any more. */
	if (in->is_chunked && in->data.state == SMTP_DATA_CR)
		in->data.flaws |= SMTP_DATA_BARE_CR;
	smtp_repair_end(&in->repair, store_fields, s);
	if (in->is_chunked && !s->mail.is_binary &&
		in->data.state == SMTP_DATA_TEXT)
		store_fields(s, "\r\n", 2);
	smtp_fields_end(&in->fields, store, s);
	if (in->drop.failed)
		in->error = in->drop.error;
}

bool
smtp_intake_begin(struct smtp_session *s, bool is_chunked)
{
	struct smtp_intake *in = &s->intake;

	in->is_chunked = is_chunked;
	in->data = (struct smtp_data)SMTP_DATA_ZERO;
	in->glance = (struct smtp_glance)SMTP_GLANCE_ZERO;
	in->fields = (struct smtp_fields)SMTP_FIELDS_ZERO;
	in->repair = (struct smtp_repair){false};
	in->size = 0;
	in->error = 0;
	in->is_dropped = false;
	if (smtp_load_is_full()) {
		errno = ENOSPC;
	} else if (smtp_stamp_begin(s, s->mail.flags)) {
		in->is_open = true;
		return true;
	}
	in->error = errno;
	log_error("queue-failed", NULL, (char *)0);
	smtp_session_refuse(s, shortage(in->error), "", NULL);
	return false;
}

static void
log_accepted(struct smtp_session const *s)
{
	struct smtp_glance const *g = &s->intake.glance;
	struct log_line line;
	char const *to = s->mail.to.s;

	log_begin(&line, "accepted", s->intake.drop.q.id);
	log_text(&line, "client", s->front->client, strlen(s->front->client));
	log_text(&line, "helo", s->client.helo, strlen(s->client.helo));
	if (s->mailbox != NULL)
		log_text(&line, "mailbox", s->mailbox, strlen(s->mailbox));
	log_text(&line, "from", s->mail.sender, s->mail.sender_len);
	log_number(&line, "size", s->intake.size);
	if (g->id_len > 0)
		log_text(&line, "message-id", g->id, g->id_len);
	if (s->client.tls[0] != '\0')
		log_text(&line, "tls", s->client.tls, strlen(s->client.tls));
	log_number(&line, "recipients", s->mail.to_count);
	for (size_t i = 0; i < s->mail.to_count && i < LOGGED_MAX; i++) {
		log_text(&line, "to", to, strlen(to));
		to += strlen(to) + 1;
	}
	log_end(&line);
}

void
smtp_intake_refuse(struct smtp_session *s, enum smtp_reply r)
{
	struct smtp_intake *in = &s->intake;

	if (in->error != 0) {
		errno = in->error;
		log_error("queue-failed", in->drop.q.id, (char *)0);
	}
	smtp_session_refuse(s, r, "", NULL);
}

/* The header lines of ours, what the guards say, and the queue. */
static bool
commit(struct smtp_session *s)
{
	struct drop *d = &s->intake.drop;

	smtp_stamp_add(s);
	if (!smtp_guard_message(s))
		return false;
	if (!drop_commit(d)) {
		s->intake.error = errno;
		smtp_intake_refuse(s, shortage(s->intake.error));
		return false;
	}
	return true;
}

void
smtp_intake_finish(struct smtp_session *s)
{
	struct smtp_intake *in = &s->intake;
	enum smtp_reply verdict;

	if (!in->is_dropped)
		end_message(s);
	verdict = smtp_intake_judge(s);
	if (verdict != SMTP_R_QUEUED) {
		smtp_intake_refuse(s, verdict);
	} else if (commit(s)) {
		s->accepted++;
		s->idle_commands = 0;
		smtp_session_renew(s);
		log_accepted(s);
		smtp_session_reply(s, SMTP_R_QUEUED, in->drop.q.id);
	}
	smtp_intake_abort(s);
}

void
smtp_intake_abort(struct smtp_session *s)
{
	struct smtp_intake *in = &s->intake;

	if (!in->is_open)
		return;
	drop_abort(&in->drop);
	free(in->recipients);
	in->recipients = NULL;
	in->is_open = false;
}
