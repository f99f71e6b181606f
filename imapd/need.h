/*
 * need.h - to read no more of what is remembered of a mailbox than is wanted
 *
 * A client that asks for the flags of a few of 100,000 messages need not wait
 * until all of a snapshot (view.h) has been read. These do not read it anew
 * when it is damaged: where they say false, mailbox_ready does.
 */
#ifndef NEED_H
#define NEED_H

#include "imapd/session.h"

/* Have the records by which the set's UIDs are found (session_set). False:
 * there is damage, or the set is one that asks for everything. */
bool need_set(struct session *s, struct lex_text const *set, bool uid)
	__attribute__((warn_unused_result));

/* Have the records of the messages in the set (session_has), and their names
 * if files may be opened. False: damage. */
bool need_messages(struct session *s, bool names)
	__attribute__((warn_unused_result));

#endif
