/*
 * fake_message.h - a message in work that has no file
 */
#ifndef FAKE_MESSAGE_H
#define FAKE_MESSAGE_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "queue/queued.h"

#define FAKE_ID "0k3v9a2mj4xz7bqr"

/* Its descriptor is /dev/null's; fake_message_free frees it. */
static inline struct queued *
fake_message(size_t recipients)
{
	struct queued *m = calloc(1, sizeof *m);

	m->q.recipients = calloc(recipients, sizeof *m->q.recipients);
	m->fates = calloc(recipients, sizeof *m->fates);
	m->q.recipient_count = recipients;
	m->q.sender = "s@from.example";
	m->q.sender_len = 14;
	memcpy(m->q.id, FAKE_ID, sizeof m->q.id);
	for (size_t i = 0; i < recipients; i++) {
		m->q.recipients[i].address = "r@to.example";
		m->q.recipients[i].address_len = 12;
		m->q.recipients[i].state = QUEUEFILE_TODO;
	}
	m->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return m;
}

static inline void
fake_message_free(struct queued *m)
{
	struct queuefile_recipient *recipients = m->q.recipients;
	struct queued_fate *fates = m->fates;

	for (size_t i = 0; i < m->q.recipient_count; i++) {
		free(fates[i].why);
		free(fates[i].lines);
	}
	m->q.recipient_count = 0;
	queued_free(m);
	free(recipients);
	free(fates);
}

#endif
