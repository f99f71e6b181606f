/*
 * settle.h - what becomes of a message
 *
 * Gathers the results of its recipients. When all of them have one, the file is
 * removed, or kept for the next try, or its sender is told first what failed.
 * What can't be done for lack of room is tried again by m->again.
 */
#ifndef SETTLE_H
#define SETTLE_H

#include "common/job.h"
#include "queue/queued.h"

void settle_init(void);

/* Whether its file is the manager's own: then states are marked there. */
bool settle_is_own(struct queued const *m);

/* One recipient's result: TODO, DONE, DELIVERED, RELAYED, EXPANDED_TO, FAILED;
 * via: the mailbox or host, or NULL. What its sender does not want to hear of
 * is settled without a report; TODO after the message's time is a failure. */
void settle_note(struct queued *m, size_t recipient, char const *via,
	enum queuefile_state state, char const *text, size_t len);
void settle_note_text(struct queued *m, size_t recipient,
	enum queuefile_state state, char const *text);

/* A delivery or task of m is over. With the last one, m may be gone. */
void settle_over(struct queued *m);

/* Have m copied into a file of the manager's own. Then it waits for m->q.next;
 * or, if it was not routed yet, is loaded again. */
void settle_take_over(struct queued *m);

/* Keep what memory knows of m in its file, and let go of it until m->q.next;
 * for good, if it is held. */
void settle_keep(struct queued *m);

/* Let go of m until m->q.next, or for good. */
void settle_wait(struct queued *m);

/* Write what the file does not say yet, of messages for many. Twice a second.
 */
void settle_mark(struct queued *m);

/* At the end: have states that are in memory alone written. */
void settle_save(struct queued *m);

#endif
