/*
 * mailbox_file.h - between mailbox.c, which knows what is in a folder, and
 * mailbox_file.c, which works on the file of one message
 */
#ifndef MAILBOX_FILE_H
#define MAILBOX_FILE_H

#include "imapd/mailbox.h"

/* Bring the names of the view up to date and what is new into arrivals. */
bool mailbox_collect(struct mailbox *m) __attribute__((warn_unused_result));

/* Message i of t (the view or the arrivals) has this file name now. */
bool mailbox_renamed(struct msgtable *t, size_t i, bool in_new,
	char const *name, size_t len) __attribute__((warn_unused_result));

#endif
