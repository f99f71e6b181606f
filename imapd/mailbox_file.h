/*
 * mailbox_file.h - between the parts of struct mailbox: mailbox.c opens and
 * syncs, mailbox_scan.c knows what is in a folder, mailbox_log.c what is
 * remembered of it, mailbox_file.c works on the file of one message
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

/* mailbox_log.c */

/* Begin with what is remembered. False: errno. */
bool mailbox_recall(struct mailbox *m) __attribute__((warn_unused_result));

/* After the view has been made from the files alone: take over what is
 * remembered of them. */
bool mailbox_merge(struct mailbox *m) __attribute__((warn_unused_result));

/* Read what others have written down, and write down what is new. Trouble with
 * it is no trouble for the session. False: errno, from mailbox_collect. */
bool mailbox_record(struct mailbox *m) __attribute__((warn_unused_result));

/* At the end: leave the folder so that it opens quickly. */
void mailbox_leave(struct mailbox *m);

/* Nothing that is remembered can be believed: the next sync reads the folder
 * as if it were opened. True. */
bool mailbox_rebuild(struct mailbox *m) __attribute__((warn_unused_result));

/* After that: are the messages that the client was told of there as they were?
 * False: errno ESTALE. */
bool mailbox_is_same(struct mailbox *m) __attribute__((warn_unused_result));

#endif
