/*
 * fsck.h - what is wrong in a mailbox or in the queue, and putting it right
 *
 * Each runs in a child under the uid that owns what it looks at, fenced in that
 * folder: root never walks a folder of somebody else's. Beside deliveries and
 * sessions: what has gone meanwhile is no fault, lists of UIDs are read and
 * changed under the folder's lock, files are moved by rename. No mail is ever
 * removed: what is doubtful goes into the folder `lost+found` of the mailbox,
 * or into queue/bad.
 */
#ifndef FSCK_H
#define FSCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>
#include "common/quota.h"

#define FSCK_LOST ".lost+found"
/* Seconds without a change after which a file that was begun is nobody's, as
 * the manager has it. */
#define FSCK_STALE (36 * 3600)
#define FSCK_FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct fsck {
	char const *what; /* "alice@example.org", "queue" */
	bool repairs, drops_caches;
	uid_t uid;	/* whose the files must be */
	uint64_t now_s; /* since 1970 */
	unsigned long messages, faults, mended;
	/* A mailbox. */
	int root_fd;
	char const *dir; /* the folder that is looked at: "." or ".Sent" */
	struct quota used;
	stralloc guids; /* mailbox ids that were seen, NUL-ended each */
	unsigned long lost;
};

/*
 * Tell a fault of a file (NULL: of the folder) on standard output; names are
 * made printable. mended: what was done about it, or NULL. Counts both.
 */
void fsck_tell(
	struct fsck *f, char const *file, char const *why, char const *mended);

/* The whole of it. False: something of the system failed (told). */
bool fsck_maildir(struct fsck *f) __attribute__((warn_unused_result));
bool fsck_queue(struct fsck *f, int queue_fd)
	__attribute__((warn_unused_result));

/* One folder of a maildir, open on folder_fd: its parts and its messages. */
bool fsck_folder(struct fsck *f, int folder_fd)
	__attribute__((warn_unused_result));

/* Its files beside the messages: UIDs, keywords, what a crash has left; and,
 * at the top of the maildir, the subscriptions. */
bool fsck_lists(struct fsck *f, int folder_fd)
	__attribute__((warn_unused_result));
void fsck_caches(struct fsck *f, int folder_fd);

/*
 * Put folder_fd/name away into lost+found, where it is a new message (is_mail)
 * or a file beside them. What was done, for fsck_tell; NULL: it stays, or
 * nothing is to be repaired.
 */
char const *fsck_put_away(
	struct fsck *f, int folder_fd, char const *name, bool is_mail);

/* What is wrong in a list of UIDs, and the list without it. */
struct fsck_uidlist {
	bool no_header;	   /* not to be believed at all */
	size_t unreadable; /* lines of no form */
	size_t disorder;   /* a UID twice, or below the one before */
	bool unended;	   /* the last line lacks its end */
	char guid[64];	   /* the mailbox's id, NUL-ended */
};

/*
 * What is left out is what imapd does not believe either; of several lines for
 * a file the last stays. Pure.
 *
 * new_guid  takes the place of the list's own id; or NULL
 *
 * False: memory is short.
 */
bool fsck_uidlist(char const *s, size_t len, char const *new_guid,
	struct fsck_uidlist *r, stralloc *out)
	__attribute__((warn_unused_result));

/* The lines of dovecot-keywords, and of subscriptions, that can be read; how
 * many cannot. Pure. False: memory is short. */
bool fsck_keywords(char const *s, size_t len, size_t *bad_r, stralloc *out)
	__attribute__((warn_unused_result));
bool fsck_subscriptions(char const *s, size_t len, size_t *bad_r, stralloc *out)
	__attribute__((warn_unused_result));

#endif
