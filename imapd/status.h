/*
 * status.h - the state of a mailbox that is not selected (RFC 9051, 6.3.11 and
 * 7.3.4; RFC 8438 SIZE; RFC 7889 APPENDLIMIT; RFC 9208 DELETED-STORAGE)
 */
#ifndef STATUS_H
#define STATUS_H

#include "imapd/session.h"

/* "(MESSAGES UNSEEN)"; wanted_r: a set for status_tell. */
bool status_lex(struct lex *l, unsigned *wanted_r)
	__attribute__((warn_unused_result));

/* The same as text again, " (MESSAGES UNSEEN)". text_r: STATUS_TEXT_MAX. */
#define STATUS_TEXT_MAX 160
void status_text(unsigned wanted, char *text_r);

/* Send "* STATUS name (...)". name is a checked one. errno. */
bool status_tell(struct session *s, char const *name, unsigned wanted)
	__attribute__((warn_unused_result));

#endif
