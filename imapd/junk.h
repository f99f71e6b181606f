/*
 * junk.h - moving a message into or out of Junk teaches the mailbox's own
 * classifier
 *
 * A link to the message is left for the next delivery to learn (lessons.h): the
 * client waits for a system call a message, and nothing that fails here is told
 * to it.
 */
#ifndef JUNK_H
#define JUNK_H

#include "imapd/session.h"
#include "imapd/transfer.h"

/* Messages of the selected mailbox have been put into mailbox `to`, and are in
 * theirs still. */
void junk_copied(struct session *s, char const *to, struct transfer const *t);

/* Whether a message that is put into that mailbox from outside teaches. */
bool junk_teaches(int root_fd, char const *name);

/* One has been put there: file of folder_fd. */
void junk_appended(int root_fd, int folder_fd, char const *file);

#endif
