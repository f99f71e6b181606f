/* Telling the postmaster that an account looks stolen. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "common/datetime.h"
#include "common/drop.h"
#include "common/log.h"
#include "smtpd/alarm.h"
#include "smtpd/policing.h"

#define TEXT_MAX 4096
#define ORIGIN "outbound guard"

static struct {
	char letter;
	char const *name;  /* in the log */
	char const *about; /* the account .. */
	char const *then;
} const reasons[] = {
	{'m', "messages", "has sent more messages in an hour than its limit",
		"What it sends is held in the queue until the hour is over."},
	{'r', "recipients",
		"has written to more recipients in an hour than its limit",
		"What it sends beyond that is held in the queue."},
	{'d', "new-addresses",
		"has written to more addresses in a day that it has never "
		"written to before than its limit",
		"What it sends to others of that kind is held in the queue."},
	{'x', "unknown", "has written to many recipients that there are not",
		"What it sends is held in the queue until the hour is over."},
	{'n', "networks", "has sent mail from many networks in a day",
		"Nothing is held: people travel."},
};

static int
write_text(struct smtp_session const *s, size_t reason, char const *id,
	uint64_t now, char text[TEXT_MAX])
{
	char const *host = s->front->hostname, *who = s->mailbox;
	char date[DATETIME_MAX];

	datetime_format(date, now);
	return snprintf(text, TEXT_MAX,
		"From: Mail system <postmaster@%s>\r\n"
		"To: postmaster@%s\r\n"
		"Subject: The account %s may be stolen\r\n"
		"Date: %s\r\n"
		"Message-ID: <%s@%s>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n"
		"\r\n"
		"The account\r\n"
		"\r\n"
		"    %s\r\n"
		"\r\n"
		"%s.\r\n"
		"It is logged in from %s.\r\n"
		"%s\r\n"
		"\r\n"
		"Where it was logged in from:      kereru user logins %s\r\n"
		"What waits in the queue:          kereru queue list -s %s\r\n"
		"If it is stolen, a new password:  kereru user passwd %s\r\n"
		"  and what it wrote goes:         kereru queue delete -s "
		"%s\r\n"
		"If all is well:                   kereru queue release -s "
		"%s\r\n"
		"  and an account that writes as much often is named in\r\n"
		"  `outbound-except` in the settings.\r\n"
		"\r\n"
		"This is said once a day for an account.\r\n",
		host, host, who, date, id, host, who, reasons[reason].about,
		s->front->client, reasons[reason].then, who, who, who, who,
		who);
}

static bool
queue(struct smtp_session const *s, size_t reason)
{
	static struct drop d;
	static char text[TEXT_MAX];
	static char const to_text[] = "postmaster";
	struct queuefile_recipient to = {.address = to_text,
		.address_len = sizeof to_text - 1,
		.state = QUEUEFILE_TODO,
		.notify = QUEUEFILE_NOTIFY_NEVER};
	struct drop_envelope e = {.origin = ORIGIN,
		.origin_len = sizeof ORIGIN - 1,
		.sender = "",
		.recipients = &to,
		.recipient_count = 1};
	int len;

	/* Mailboxes may have names beyond ASCII. */
	for (char const *c = s->mailbox; *c != '\0'; c++)
		if ((unsigned char)*c > 0x7f)
			e.flags |= QUEUEFILE_8BIT | QUEUEFILE_UTF8;
	if (!drop_begin(&d, FRONT_TMP_FD, FRONT_NEW_FD, DROP_SYNC_FOLDER, &e))
		return false;
	len = write_text(s, reason, d.q.id, (uint64_t)time(NULL), text);
	if (len < 0 || len >= TEXT_MAX) {
		drop_abort(&d);
		return false;
	}
	drop_message(&d, text, (size_t)len);
	return drop_commit(&d);
}

void
smtp_alarm(struct smtp_session *s, char reason)
{
	size_t i = 0;

	while (i < sizeof reasons / sizeof *reasons &&
		reasons[i].letter != reason)
		i++;
	if (s->mailbox == NULL || i == sizeof reasons / sizeof *reasons)
		return;
	log_event("suspicious", NULL, "mailbox", s->mailbox, "why",
		reasons[i].name, "client", s->front->client, (char *)0);
	if (!queue(s, i))
		log_error("queue-failed", NULL, "for", "postmaster", (char *)0);
}
