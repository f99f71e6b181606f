/*
 * permit.h - what the session's user may do (RFC 4314, 4)
 *
 * The owner of a maildir may do everything. In a shared mailbox (session's
 * asker) the ACL says what may be done, as it is at that moment: it is read for
 * each command.
 */
#ifndef PERMIT_H
#define PERMIT_H

#include "imapd/rights.h"
#include "imapd/session.h"

/* The rights to a mailbox, which need not exist. What cannot be read gives
 * none (logged). */
unsigned permit_rights(struct session const *s, char const *name);

/* Has he all rights of need? False: answered, and one who may not see the
 * mailbox is told what he would be if there were none. */
bool permit(struct session *s, char const *name, unsigned need)
	__attribute__((warn_unused_result));

/* The same for a mailbox that is to be made: is there the right to the nearest
 * one above that exists? */
bool permit_create(struct session *s, char const *name)
	__attribute__((warn_unused_result));

/* Does what is not of one mailbox (subscriptions, the maildir as a whole)
 * belong to the user? False: answered. */
bool permit_owner(struct session *s) __attribute__((warn_unused_result));

#endif
