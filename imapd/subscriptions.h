/*
 * subscriptions.h - the mailboxes that clients subscribe to
 *
 * The file `subscriptions` of the maildir, as Dovecot keeps it: a name a line,
 * or, behind a first line "V<tab>2" and an empty one, the parts of a name with
 * tabs between them. The form that is found is kept.
 */
#ifndef SUBSCRIPTIONS_H
#define SUBSCRIPTIONS_H

#include "imapd/boxlist.h"

/* Add all that are subscribed to, with flags; parents are not added. */
bool subscriptions_read(struct boxlist *b, int root_fd, unsigned flags)
	__attribute__((warn_unused_result));

/* Add (on) or remove a name; durable. errno. */
bool subscriptions_change(int root_fd, char const *name, bool on)
	__attribute__((warn_unused_result));

#endif
