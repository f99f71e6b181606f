/* What the manager logs about messages. */
#include <stdio.h>
#include <string.h>
#include "common/log.h"
#include "queue/loop.h"
#include "queue/report.h"

/* Seconds since it arrived, with milliseconds. */
static void
add_delay(struct log_line *line, struct queued const *m)
{
	uint64_t now = loop_time_us();
	uint64_t us = now > m->q.arrived ? now - m->q.arrived : 0;
	char text[32];
	int n = snprintf(text, sizeof text, "%llu.%03llu",
		(unsigned long long)(us / 1000000),
		(unsigned long long)(us / 1000 % 1000));

	log_text(line, "delay", text, (size_t)n);
}

void
report_queued(struct queued const *m)
{
	struct log_line line;

	log_begin(&line, "queued", m->q.id);
	log_text(&line, "from", m->q.sender, m->q.sender_len);
	log_number(&line, "uid", m->owner);
	log_number(&line, "size", m->q.message_len);
	log_number(&line, "recipients", m->q.recipient_count);
	log_text(&line, "origin", m->q.origin, m->q.origin_len);
	log_end(&line);
}

void
report_result(struct queued const *m, size_t recipient, char const *via,
	enum queuefile_state state, char const *text, size_t len)
{
	struct queuefile_recipient const *to = &m->q.recipients[recipient];
	bool failed = state == QUEUEFILE_FAILED || state == QUEUEFILE_TOLD;
	bool done = !failed && state != QUEUEFILE_TODO;
	struct log_line line;

	log_begin(&line,
		done	 ? "delivered"
		: failed ? "failed"
			 : "deferred",
		m->q.id);
	log_text(&line, "to", to->address, to->address_len);
	log_text(&line, "from", m->q.sender, m->q.sender_len);
	if (via != NULL)
		log_text(&line, "via", via, strlen(via));
	add_delay(&line, m);
	log_text(&line, done ? "answer" : "why", text, len);
	log_end(&line);
}

void
report_removed(struct queued const *m)
{
	struct log_line line;

	log_begin(&line, "removed", m->q.id);
	add_delay(&line, m);
	log_end(&line);
}
