/*
 * mailbox.h - one folder as a session sees it
 *
 * The view is what the client was told: message n is view.v[n - 1]. Others
 * deliver, change flags and remove files meanwhile; mailbox_sync brings that
 * into the view, but never changes a number: messages come at the end, those
 * whose files are gone are marked MESSAGE_GONE and stay until mailbox_settle.
 *
 * A message's UID is in dovecot-uidlist before anybody is told of it; UIDs are
 * given under the folder's lock (uidlist.h).
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "imapd/flag_args.h"
#include "imapd/keywords.h"
#include "imapd/msgtable.h"
#include "imapd/watch.h"

struct mailbox_stamp {
	uint64_t inode;
	int64_t changed_ns, modified_ns;
	bool settled; /* old enough to tell from the next change */
};

struct mailbox {
	int folder_fd, cur_fd, new_fd;
	int root_fd;	/* the caller's */
	bool read_only; /* leave files in new, give no \Recent away */
	struct msgtable view;
	struct msgtable arrivals; /* files that are not in the view yet */
	struct keywords keywords;
	uint32_t nameless; /* letters in use that dovecot-keywords lacks */
	uint32_t validity, next_uid, last_uid;
	struct watch watch;
	struct mailbox_stamp cur_stamp, new_stamp;
	bool scanned, must_scan;
	uint64_t events;   /* counted, to see that there were some */
	unsigned vanished; /* in the events read last */
	bool replaced;	   /* the UIDs are not those of before: give up */
};

/*
 * Open the folder dir ("." or ".Sent") of the maildir root_fd and sync.
 *
 * watch  use inotify; the working directory must be the maildir then
 *
 * False: errno; nothing is left to close.
 */
bool mailbox_open(struct mailbox *m, int root_fd, char const *dir,
	bool read_only, bool watch) __attribute__((warn_unused_result));
void mailbox_close(struct mailbox *m);

/* False: errno; ESTALE when the folder's UIDs were replaced. */
bool mailbox_sync(struct mailbox *m) __attribute__((warn_unused_result));

/* Take out what is MESSAGE_GONE: the client has been told. */
void mailbox_settle(struct mailbox *m);

/*
 * The following work on message index i. 1 done, 0 its file is gone (it is
 * marked so), -1 failed (errno). A file that was renamed meanwhile is found
 * again.
 */

/* Change flags by what they are at that moment. */
int mailbox_store(struct mailbox *m, size_t i, enum flag_store how,
	unsigned system, uint32_t keywords) __attribute__((warn_unused_result));

/* Open its file to read; a regular file. */
int mailbox_open_file(struct mailbox *m, size_t i, int *fd_r, struct stat *st_r)
	__attribute__((warn_unused_result));

int mailbox_stat(struct mailbox *m, size_t i, struct stat *st_r)
	__attribute__((warn_unused_result));

int mailbox_unlink(struct mailbox *m, size_t i)
	__attribute__((warn_unused_result));

/*
 * Link its file under another name, into the folder that is open on to_fd.
 */
int mailbox_link(struct mailbox *m, size_t i, int to_fd, char const *to)
	__attribute__((warn_unused_result));

/* The index of the first message whose UID is uid or greater. */
size_t mailbox_find_uid(struct mailbox const *m, uint32_t uid);

#endif
