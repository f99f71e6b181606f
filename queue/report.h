/*
 * report.h - what the manager logs about messages
 */
#ifndef REPORT_H
#define REPORT_H

#include "queue/queued.h"

void report_queued(struct queued const *m);
/* via: the mailbox or host, or NULL. */
void report_result(struct queued const *m, size_t recipient, char const *via,
	enum queuefile_state state, char const *text, size_t len);
void report_removed(struct queued const *m);

#endif
