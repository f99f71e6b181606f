/* What we write around a message. */
#include <stdlib.h>
#include <string.h>
#include "common/datetime.h"
#include "smtpd/received.h"
#include "smtpd/stamp.h"

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

bool
smtp_stamp_begin(struct smtp_session *s, unsigned flags)
{
	struct smtp_intake *in = &s->intake;
	struct drop_envelope envelope;

	if (!smtp_transaction_envelope(&s->mail, &envelope))
		return false;
	free(in->recipients);
	in->recipients = envelope.recipients;
	envelope.origin = in->origin;
	envelope.origin_len = write_origin(s, in->origin);
	envelope.flags = flags;
	if (drop_begin(&in->drop, FRONT_TMP_FD, FRONT_NEW_FD, DROP_SYNC_FOLDER,
		    &envelope))
		return true;
	free(in->recipients);
	in->recipients = NULL;
	return false;
}

static void
add_text(struct smtp_session *s, char const *text)
{
	drop_added(&s->intake.drop, text, strlen(text));
}

void
smtp_stamp_add(struct smtp_session *s)
{
	struct drop *d = &s->intake.drop;
	char field[SMTP_RECEIVED_MAX], date[DATETIME_MAX];
	struct smtp_received received = {.helo = s->client.helo,
		.client = s->front->client,
		.name = s->client_name,
		.host = s->front->hostname,
		.id = d->q.id,
		.tls = s->client.tls,
		.is_extended = s->is_extended,
		.is_login = s->mode == SMTP_MODE_OWNER,
		.is_utf8 = s->mail.flags & QUEUEFILE_UTF8,
		.is_hidden = s->mode == SMTP_MODE_OWNER && s->hides_client,
		.recipient = s->mail.to_count == 1 ? s->mail.to.s : NULL,
		.seconds = d->q.arrived / 1000000};

	drop_added(d, field, smtp_received_format(field, &received));
	if (s->mode != SMTP_MODE_OWNER)
		return;
	if (!(s->intake.fields.seen & SMTP_FIELDS_DATE)) {
		datetime_format(date, received.seconds);
		add_text(s, "Date: ");
		add_text(s, date);
		add_text(s, "\r\n");
	}
	if (!(s->intake.fields.seen & SMTP_FIELDS_ID)) {
		add_text(s, "Message-ID: <");
		add_text(s, d->q.id);
		add_text(s, "@");
		add_text(s, s->front->hostname);
		add_text(s, ">\r\n");
	}
}
