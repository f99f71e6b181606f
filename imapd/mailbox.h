/*
 * mailbox.h - one folder as a session sees it
 *
 * The view is what the client was told: message n is view.v[n - 1]. Others
 * deliver, change flags and remove files meanwhile; mailbox_sync brings that
 * into the view, but never changes a number: messages come at the end, those
 * whose files are gone are marked MESSAGE_GONE and stay until mailbox_settle.
 *
 * A message's UID is in dovecot-uidlist before anybody is told of it; UIDs are
 * given under the folder's lock (uidlist.h). What is known of a folder is
 * remembered for the next session (memory.h), which need not read the folder if
 * nothing has happened since; each change gets its MODSEQ when it is written
 * down there, which mailbox_sync does.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "imapd/flag_args.h"
#include "imapd/keywords.h"
#include "imapd/memory.h"
#include "imapd/meta_file.h"
#include "imapd/msgtable.h"
#include "imapd/watch.h"

/* Own renames whose events have not come yet. */
#define MAILBOX_EXPECTED_MAX 256

struct mailbox {
	int folder_fd, cur_fd, new_fd;
	int root_fd;	/* the caller's */
	bool read_only; /* leave files in new, give no \Recent away */
	struct msgtable view;
	struct msgtable arrivals; /* files that are not in the view yet */
	struct keywords keywords;
	uint32_t nameless; /* letters in use that dovecot-keywords lacks */
	uint32_t validity, next_uid, last_uid;
	char guid[VIEW_GUID_MAX]; /* the mailbox's id; NUL-ended, or empty */
	size_t recent;		  /* messages that are MESSAGE_RECENT */

	struct watch watch;
	int64_t settle_ns; /* see stamp.h */
	struct stamp cur_stamp, new_stamp;
	bool cur_settled, new_settled;
	bool scanned, must_scan;
	bool compare;	 /* look at the stamps, though there is a watch */
	uint64_t events; /* counted, to see that there were some */
	size_t moved;	 /* in the events read last: lost their names */
	uint64_t expected[MAILBOX_EXPECTED_MAX]; /* hashes, a ring */
	size_t expected_start, expected_count;
	bool own_work; /* since the stamps were taken */
	bool replaced; /* the UIDs are not those of before: give up */

	/* dovecot-uidlist as it was when all of it was known. */
	bool list_known;
	struct stamp list_stamp;
	uint32_t list_next; /* UID that it gives next */

	struct memory memory;
	struct msgtable old; /* remembered, to be merged; mostly empty */
	bool merge;
	bool told;	   /* the client knows of the messages */
	bool tells_modseq; /* a change of MODSEQ alone is one to tell */
	bool all;	   /* read the log to its end, whatever it names */
	bool unsound;	   /* what is remembered is damaged */
	/* After mailbox_rebuild: what the client was told of. */
	bool rebuilt;
	size_t was_count;
	uint64_t was_mix;
	stralloc lost; /* UIDs that went while nobody looked */
	/* UIDs that others have told of and we have not met, and how often we
	 * had looked at all files by then. */
	stralloc unseen;
	uint64_t unseen_scans, scans;
	struct meta_file meta;
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
/* Only what is in the fields of struct mailbox may be looked at, records of
 * messages not before mailbox_ready. */
bool mailbox_open_quick(struct mailbox *m, int root_fd, char const *dir,
	bool read_only, bool watch) __attribute__((warn_unused_result));
void mailbox_close(struct mailbox *m);

/* Have everything that was remembered checked, or read anew. False: errno. */
bool mailbox_ready(struct mailbox *m) __attribute__((warn_unused_result));

/* False: errno; ESTALE when the folder's UIDs were replaced. */
bool mailbox_sync(struct mailbox *m) __attribute__((warn_unused_result));

/* Take out what is MESSAGE_GONE: the client has been told. */
void mailbox_settle(struct mailbox *m);

/* How many messages lack \Seen, and the number of the first (0: none). False:
 * errno. */
bool mailbox_unseen(struct mailbox *m, size_t *count_r, size_t *first_r)
	__attribute__((warn_unused_result));

/* HIGHESTMODSEQ: of every change that mailbox_sync has seen. */
static inline uint64_t
mailbox_highest(struct mailbox const *m)
{
	return m->memory.highest;
}

/*
 * The following work on message index i. 1 done, 0 its file is gone (it is
 * marked so), -1 failed (errno). A file that was renamed meanwhile is found
 * again.
 */

/* Change flags by what they are at that moment. */
int mailbox_store(struct mailbox *m, size_t i, enum flag_store how,
	unsigned system, uint32_t keywords) __attribute__((warn_unused_result));

/* The same, but only while the file has the name that it has in the view; else
 * 2, the view being up to date again. */
int mailbox_store_if_same(struct mailbox *m, size_t i, enum flag_store how,
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
