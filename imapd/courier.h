/*
 * courier.h - a maildir that comes from Courier
 *
 * Its UIDs (courierimapuiddb), keywords (courierimapkeywords/) and
 * subscriptions (courierimapsubscribed) are read where the files that we keep
 * are missing, and taken over into these; its own stay as they are.
 */
#ifndef COURIER_H
#define COURIER_H

#include <stdbool.h>

#include <skalibs/stralloc.h>

/*
 * Take over a folder's UIDs and keywords if our files are missing and its are
 * there: dovecot-uidlist is written, keywords go into the names of the files.
 * To be called before the folder's files are looked at, without its lock.
 * errno.
 */
bool courier_adopt(int folder_fd) __attribute__((warn_unused_result));

/* Append the subscriptions, a name a line. 1 done, 0 there are none, -1 errno. */
int courier_subscriptions(int root_fd, stralloc *text)
	__attribute__((warn_unused_result));

#endif
