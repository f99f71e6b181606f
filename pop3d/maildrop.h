/*
 * maildrop.h - the messages of one maildir, as one POP3 session sees them
 *
 * The view is fixed when the session begins (RFC 1939 4): numbers stay, what
 * comes later is for the next session. Another program may rename a file
 * meanwhile (its flags change) or remove it: a renamed one is found again, a
 * removed one cannot be read any more. 16 octets and the name are kept of a
 * message.
 */
#ifndef POP3_MAILDROP_H
#define POP3_MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <skalibs/stralloc.h>

/* Held by one session at a time; stays when it ends. */
#define POP3_LOCK_NAME "pop3d.lock"

struct pop3_message {
	uint64_t size; /* octets as sent, dots not doubled */
	uint32_t name; /* offset in names; NUL-ended */
	bool has_size;
	bool in_new; /* the file is in new, not in cur */
	bool deleted;
};

/* What tells that a folder has changed: of cur, of new. */
struct pop3_stamps {
	struct timespec modified[2], changed[2];
};

struct pop3_maildrop {
	int folder_fd, lock_fd;
	struct pop3_stamps seen; /* when the folders were last read */
	int dir_fds[2];		 /* cur, new */
	struct pop3_message *messages;
	size_t count, deleted_count;
	stralloc names;
};

/*
 * Take the exclusive lock, waiting at most wait_ms. folder_fd is the caller's.
 * False: errno EAGAIN if another session has it, or what else failed.
 */
bool pop3_maildrop_lock(struct pop3_maildrop *m, int folder_fd, int wait_ms)
	__attribute__((warn_unused_result));

/* Read the folders, sorted by file name. False: errno. */
bool pop3_maildrop_scan(struct pop3_maildrop *m)
	__attribute__((warn_unused_result));

char const *pop3_maildrop_name(
	struct pop3_maildrop const *m, struct pop3_message const *message);

/* A read-only descriptor of the message's file. -1: errno, ENOENT if it is not
 * there any more. */
int pop3_maildrop_open(struct pop3_maildrop *m, struct pop3_message *message);

/* The exact size; from the name, or else by reading the file once. A file that
 * cannot be read has the size 0. */
uint64_t pop3_maildrop_size(
	struct pop3_maildrop *m, struct pop3_message *message);

/* Remove what is marked as deleted, and make that durable. False: some may be
 * left; errno. One that was gone already is as good as removed. */
bool pop3_maildrop_expunge(struct pop3_maildrop *m)
	__attribute__((warn_unused_result));

#endif
