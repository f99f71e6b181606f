/*
 * resolve.h - UIDs for the files that are new to a mailbox
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "imapd/mailbox.h"

/*
 * Give every file in m->arrivals its UID, from the list or, under the lock, a
 * new one, and move it to the view. collect brings the arrivals up to date; it
 * is called again once the lock is held.
 *
 * Where the list cannot be written (a full disk), files without a UID are left
 * out for now. False: errno.
 */
bool resolve(struct mailbox *m, bool (*collect)(struct mailbox *))
	__attribute__((warn_unused_result));

/* Is dovecot-uidlist what it was, or longer, since m->list_stamp? Then
 * m->next_uid is right. False: it must be read. */
bool resolve_recall(struct mailbox *m) __attribute__((warn_unused_result));

/*
 * Give UIDs in order to files that the caller has just put into a folder, of
 * which he holds the lock. Base names, NUL-ended.
 *
 * first_r  the UID of names[0]; the others follow
 */
bool resolve_add(int root_fd, int folder_fd, char const *const *names,
	size_t count, uint32_t *validity_r, uint32_t *first_r)
	__attribute__((warn_unused_result));

/* Write a list without messages for a folder that was just made. */
bool resolve_create(int root_fd, int folder_fd)
	__attribute__((warn_unused_result));

#endif
