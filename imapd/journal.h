/*
 * journal.h - what changed in a folder, in order (the file `kereru-log`)
 *
 * Appended to under a lock; read by all. Each record has a checksum, and the
 * file has a number of its own (generation): a snapshot (view.h) says up to
 * where in which log it is. A file that is damaged in any way is given up as a
 * whole and followed by a new one: what it knew is told to clients again.
 *
 * Nothing here knows what records mean, but for their form.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#define JOURNAL_FILE "kereru-log"
/* Wait so long for the lock, then go on without. */
#define JOURNAL_WAIT_MS 30000

enum journal_type {
	JOURNAL_NEW = 'N',     /* text: file name; extra: inode */
	JOURNAL_FLAGS = 'F',   /* text: what follows the base name */
	JOURNAL_RENAME = 'R',  /* the same, and no flag has changed */
	JOURNAL_EXPUNGE = 'X', /* its file is gone */
	JOURNAL_META = 'M',    /* extra: where kereru-meta has it */
	JOURNAL_STATE = 'S'    /* text: struct mailbox_state */
};

#define JOURNAL_IN_NEW 1u /* bit: the file is in new */

struct journal_record {
	enum journal_type type;
	unsigned bits;
	uint32_t uid, extra;
	uint64_t modseq;
	char const *text;
	size_t text_len;
};

struct journal {
	int fd; /* -1: none */
	bool locked;
	uint32_t validity;
	uint64_t generation;
	uint64_t pos; /* read up to here */
	/* The log before it, which ended there. */
	uint64_t previous, previous_end;
};
#define JOURNAL_ZERO                                                           \
	{                                                                      \
		.fd = -1                                                       \
	}

/* 1 opened, 0 there is none that can be read, -1 (errno). */
int journal_open(struct journal *j, int folder_fd)
	__attribute__((warn_unused_result));
void journal_close(struct journal *j);

/*
 * Hand the records behind pos to found, which returns false to have this one
 * again next time. False: the rest cannot be read; under the lock that means
 * damage.
 */
bool journal_read(struct journal *j,
	bool (*found)(void *data, struct journal_record const *r), void *data)
	__attribute__((warn_unused_result));

/* Is there something behind pos, or has the file been replaced? */
bool journal_has_more(struct journal const *j);

/* Has the file lost its name? */
bool journal_is_replaced(struct journal const *j);

/* Take the lock of the file that is open. False: errno. */
bool journal_lock(struct journal *j) __attribute__((warn_unused_result));
void journal_unlock(struct journal *j);

/* Append a record to sa. */
bool journal_put(stralloc *sa, struct journal_record const *r)
	__attribute__((warn_unused_result));

/* Under the lock, all having been read: write records that journal_put has
 * made. False: errno, the file is as it was. */
bool journal_append(struct journal *j, char const *s, size_t len)
	__attribute__((warn_unused_result));

/*
 * Make a new file, which follows old (its lock held) or none (old->fd < 0), and
 * open and lock it as *j_r. It gets its name by journal_publish, or goes away
 * by journal_close. False: errno.
 *
 * folder_fd, name_r  its name until then, 64 octets
 */
bool journal_create(struct journal *j_r, int folder_fd, uint32_t validity,
	struct journal const *old, char *name_r)
	__attribute__((warn_unused_result));

/*
 * Give it the name. replace: whatever has it. False: errno; EEXIST if there is
 * one already.
 */
bool journal_publish(int folder_fd, char const *name, bool replace)
	__attribute__((warn_unused_result));

#endif
