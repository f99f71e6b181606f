/*
 * uidlist.h - the UIDs of a folder (the file `dovecot-uidlist`)
 *
 *   3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1
 *   25006 :1276528487.M364837P9451.host,S=1355,W=1394
 *   25017 W2481 :1276533073.M242911P3632.host
 *
 * Version 3 of the text format that Dovecot documents: validity, next UID, the
 * mailbox's id; then lines in order of UID, with fields that are kept as they
 * are. New lines are appended, so the next UID is also above every line's. The
 * older version 1 (`1 VALIDITY NEXT`, `UID NAME`) is read too.
 *
 * All changes are made under a lock that Dovecot honours as well: the file
 * `dovecot-uidlist.lock`. Ours holds an fcntl lock on it besides, so that the
 * lock of a process that was killed is taken over at once.
 */
#ifndef UIDLIST_H
#define UIDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "common/stamp.h"

#define UIDLIST_FILE "dovecot-uidlist"

struct uidlist_header {
	uint32_t validity;
	uint32_t next;
	int version;	  /* 1 or 3 */
	char const *guid; /* the mailbox's id; points into the line */
	size_t guid_len;  /* 0: it has none */
};

struct uidlist_line {
	uint32_t uid;
	char const *name; /* base name, flags cut off */
	size_t name_len;
};

/* Both parse one line without its end. Pure. */
bool uidlist_parse_header(char const *s, size_t len,
	struct uidlist_header *header_r) __attribute__((warn_unused_result));
bool uidlist_parse_line(char const *s, size_t len, int version,
	struct uidlist_line *line_r) __attribute__((warn_unused_result));

/*
 * Append the whole file (the second: any file of the folder) to sa.
 * 1 read, 0 there is none, -1 failed (errno).
 */
int uidlist_read_file(int folder_fd, char const *file, stralloc *sa)
	__attribute__((warn_unused_result));
int uidlist_read(int folder_fd, stralloc *sa)
	__attribute__((warn_unused_result));

/* The same from an offset on, and what the file was when it was opened. */
int uidlist_read_from(int folder_fd, uint64_t from, stralloc *sa,
	struct stamp *stamp_r) __attribute__((warn_unused_result));

/*
 * Take the lock; waits for others up to UIDLIST_WAIT_MS. *lock_r is handed to
 * uidlist_unlock. False: errno, EAGAIN when it was held all the time.
 */
#define UIDLIST_WAIT_MS 20000
/* A lock file of another program, not touched for so long, is a dead one's. */
#define UIDLIST_STALE_S 120
bool uidlist_lock(int folder_fd, int *lock_r)
	__attribute__((warn_unused_result));
void uidlist_unlock(int folder_fd, int lock);

/* Under the lock: append text and sync it. On failure (errno) the file is as
 * it was. */
bool uidlist_append(int folder_fd, char const *text, size_t len)
	__attribute__((warn_unused_result));

/* Under the lock: replace a file (this one or another of the folder) by text:
 * write, fsync, rename, fsync of the folder. errno; on failure the old one
 * stays, or (the last step) it cannot be told which. */
bool uidlist_replace(int folder_fd, char const *file, char const *text,
	size_t len) __attribute__((warn_unused_result));

/* Append a header with a new mailbox id. */
bool uidlist_header_make(stralloc *sa, uint32_t validity, uint32_t next)
	__attribute__((warn_unused_result));

#endif
