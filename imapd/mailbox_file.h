/*
 * mailbox_file.h - between the parts of struct mailbox: mailbox.c opens and
 * syncs, mailbox_scan.c knows what is in a folder, mailbox_recall.c what is
 * remembered of it, mailbox_log.c and mailbox_batch.c what is written down;
 * mailbox_file.c works on the file of one message
 */
#ifndef MAILBOX_FILE_H
#define MAILBOX_FILE_H

#include "imapd/mailbox.h"

/* mailbox_scan.c */

/* Bring the names of the view up to date and what is new into arrivals. */
bool mailbox_collect(struct mailbox *m) __attribute__((warn_unused_result));

/* Message i of t (the view or the arrivals) has this file name now. */
bool mailbox_renamed(struct msgtable *t, size_t i, bool in_new,
	char const *name, size_t len) __attribute__((warn_unused_result));

/* We have taken a name away, or given one: its event is no news. */
void mailbox_expect(
	struct mailbox *m, bool came, bool in_new, char const *name);

/* Stamps of the folders, if the view is what they stamp: *settled_r as in
 * struct mailbox_state. */
bool mailbox_stamps(struct mailbox *m, struct stamp *cur_r, struct stamp *new_r,
	bool *settled_r) __attribute__((warn_unused_result));

/* mailbox_recall.c */

/* Begin with what is remembered. False: errno. */
bool mailbox_recall(struct mailbox *m) __attribute__((warn_unused_result));

/* After the view has been made from the files alone: take over what is
 * remembered of them. */
bool mailbox_merge(struct mailbox *m) __attribute__((warn_unused_result));

/* The same with what old says, which memory belongs to. False: they do not fit
 * together, or memory is out. */
bool mailbox_merge_with(struct mailbox *m, struct memory const *memory,
	struct msgtable const *old) __attribute__((warn_unused_result));

/* Nothing that is remembered can be believed: the next sync reads the folder
 * as if it were opened. True. */
bool mailbox_rebuild(struct mailbox *m) __attribute__((warn_unused_result));

/* After that: are the messages that the client was told of there as they were?
 * False: errno ESTALE. */
bool mailbox_is_same(struct mailbox *m) __attribute__((warn_unused_result));

/*
 * Others know of a message that we have not met. A snapshot of ours must not
 * leave it out: nobody would be told of its end then. Awaited until it is met,
 * or known to be gone since others say so, or all files have been looked at.
 */
bool mailbox_await(struct mailbox *m, uint32_t uid)
	__attribute__((warn_unused_result));
void mailbox_await_no_more(struct mailbox *m, uint32_t uid);
bool mailbox_settle_unseen(struct mailbox *m)
	__attribute__((warn_unused_result));

/* mailbox_batch.c */

struct mailbox_batch {
	struct mailbox *m;
	stralloc out;
	uint64_t modseq;  /* 0: none given yet */
	bool contradicts; /* the log tells the end of what is there */
};

/* Above all that was given, and above the clock, so that it has not been given
 * by a log that was lost either. */
uint64_t mailbox_next_modseq(struct mailbox const *m);

/* Append the records of what has changed; of the folder's state. */
bool mailbox_batch_put(struct mailbox_batch *b)
	__attribute__((warn_unused_result));
bool mailbox_batch_put_state(struct mailbox_batch *b, struct mailbox_state *s)
	__attribute__((warn_unused_result));

/* Messages take what the batch has given them. written: it is in the log. */
void mailbox_batch_settle(struct mailbox_batch *b, bool written);

/* mailbox_log.c */

/* Read what others have written down, and write down what is new. Trouble with
 * it is no trouble for the session. False: errno, from mailbox_collect. */
bool mailbox_record(struct mailbox *m) __attribute__((warn_unused_result));

/* At the end: leave the folder so that it opens quickly. */
void mailbox_leave(struct mailbox *m);

#endif
