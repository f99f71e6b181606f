/*
 * notify.h - telling what happens in other mailboxes, and at any time
 * (RFC 5465)
 *
 * By inotify: folders that are watched cost nothing while nothing happens in
 * them. What has happened is found by looking at the folder again and comparing
 * with what was told last.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "imapd/notify_args.h"
#include "imapd/session.h"

/* Mailboxes that are watched at most; beyond that NOTIFY is refused. */
#define NOTIFY_WATCHED_MAX 200
/* Mailboxes of the maildir at most. */
#define NOTIFY_KNOWN_MAX 10000

/* Events of the selected mailbox that the client wants to hear of. */
unsigned notify_selected(struct session const *s);

/* May an EXPUNGE be told at any time? */
bool notify_at_once(struct session const *s);

/* Send FETCH responses for new messages from index `from` on, if they are asked
 * for. */
void notify_new(struct session *s, size_t from);

/* The descriptor to poll, or -1. */
int notify_fd(struct session const *s);

/* Tell what has happened elsewhere. */
void notify_look(struct session *s);

/*
 * Between commands, where NOTIFY is on: tell what happens until the client says
 * something. False: it has been silent for too long, or we are to end (errno).
 */
bool notify_wait(struct session *s) __attribute__((warn_unused_result));

void notify_free(struct session *s);

#endif
