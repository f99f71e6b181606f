/*
 * shared.h - shared mailboxes in a user's session
 *
 * What names a mailbox below `Shared.NAME`, and what is about the selected one
 * when that is shared, is for another imapd (relay.h).
 */
#ifndef SHARED_H
#define SHARED_H

#include "imapd/boxlist.h"
#include "imapd/list_args.h"
#include "imapd/session.h"
#include "imapd/share.h"

/* Are there any for the session's user? */
bool shared_any(struct session const *s);

/* The shared mailbox that a name in our form is in. */
bool shared_find(struct session const *s, char const *name,
	struct share *share_r) __attribute__((warn_unused_result));

/* Is the command in hand not ours? Then it is done and answered. */
bool shared_takes(struct session *s) __attribute__((warn_unused_result));

/* The same for APPEND and REPLACE, whose messages have not come yet. */
bool shared_takes_append(struct session *s) __attribute__((warn_unused_result));

/* Let go of the selected mailbox, if it is a shared one. */
void shared_unselect(struct session *s);

/* Add the shared mailboxes that a LIST can tell of, as far as their rights
 * let it. False: memory is out. */
bool shared_list(struct session *s, struct list_args const *args,
	struct boxlist *b) __attribute__((warn_unused_result));

/* Tell the response to a command about one of them: "STATUS", and what stands
 * behind the name. */
void shared_tell(struct session *s, struct share const *share, char const *verb,
	char const *name, char const *more);

#endif
