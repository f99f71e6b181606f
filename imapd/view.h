/*
 * view.h - a folder as it was (the file `kereru-view`)
 *
 * All records of a folder's messages in the form in which a session has them,
 * so that opening a folder is reading a page; with the hash of their names, the
 * UIDs that have vanished, and the place in the log up to which it is told
 * (journal.h). Written whole under another name and renamed, never changed.
 *
 * What is wanted of it is read into memory of the session's own, a page at a
 * time, each with its checksum: whatever others do to the file, what has been
 * read stays good, and what can't be read any more is damage. A host with
 * another layout sees a damaged file.
 */
#ifndef VIEW_H
#define VIEW_H

#include "imapd/journal.h"
#include "imapd/msgtable.h"
#include "common/stamp.h"

#define VIEW_FILE "kereru-view"

#define VIEW_GUID_MAX 40

/* What the folder looked like when all was known. Written to files as it is. */
struct mailbox_state {
	struct stamp cur, new, list; /* list: dovecot-uidlist */
	uint32_t validity, next_uid;
	uint64_t highest;  /* MODSEQ */
	uint32_t settled;  /* the stamps tell every later change */
	uint32_t has_list; /* list and next_uid are of a list read whole */
	char guid[VIEW_GUID_MAX]; /* of the list; NUL-ended, or empty */
};

/* A UID that is not there any more. */
struct vanished {
	uint32_t uid, reserved;
	uint64_t modseq;
};

/* Written to files as it is. */
struct view_head {
	char magic[8];
	uint32_t crc; /* of what follows */
	uint32_t layout;
	struct mailbox_state state;
	/* It may be followed by either of two logs: while a log is replaced
	 * both can be met. */
	uint64_t generations[2], positions[2];
	uint64_t floor; /* what vanished at or before it may be forgotten */
	uint64_t mix;	/* of all UIDs */
	uint32_t count, unseen, first_unseen; /* number, 0: none */
	uint32_t in_new, first_in_new;	      /* index */
	uint32_t last_uid, used;	      /* keywords */
	uint32_t slots_count, vanished_count;
	uint64_t names_len;
	uint32_t sums_crc;
	unsigned char key[MSGTABLE_KEY_LEN];
};

struct view {
	struct view_head head;
	struct vanished const *vanished; /* in the table's map */
	int fd;				 /* -1: nothing is left to read */
	uint32_t *sums;	     /* of the blocks; NULL: all are there */
	unsigned char *have; /* those that are, a bit each */
	size_t left;
	bool damaged;
};
#define VIEW_ZERO                                                              \
	{                                                                      \
		.fd = -1                                                       \
	}

/*
 * Open a folder's file: v, and t (empty before). What of t may be looked at,
 * and vanished, the functions below say. 1, 0 there is none or it is damaged,
 * -1 (errno).
 */
int view_open(struct view *v, struct msgtable *t, int folder_fd)
	__attribute__((warn_unused_result));
/* t keeps what has been read, and no more is. */
void view_close(struct view *v);

/*
 * Before they are looked at, or changed: everything; the records from..to; the
 * record and name of message i; the records by which memory_find_uid comes to a
 * UID; all by which msgtable_find comes to a base name; what msgtable_add needs
 * for one more. False: it is damaged, and stays so. Of a table that did not
 * come from a file, or has been read whole: true.
 */
bool view_need_all(struct view *v, struct msgtable const *t)
	__attribute__((warn_unused_result));
bool view_need(struct view *v, struct msgtable const *t, size_t from, size_t to)
	__attribute__((warn_unused_result));
bool view_need_name(struct view *v, struct msgtable const *t, size_t i)
	__attribute__((warn_unused_result));
bool view_need_uid(struct view *v, struct msgtable const *t, uint32_t uid)
	__attribute__((warn_unused_result));
bool view_need_base(struct view *v, struct msgtable *t, char const *base,
	size_t len) __attribute__((warn_unused_result));
bool view_need_room(struct view *v, struct msgtable const *t)
	__attribute__((warn_unused_result));

/* Has everything been read? */
bool view_is_whole(struct view const *v, struct msgtable const *t);

/*
 * Write a new file. What is MESSAGE_GONE is left out. Of head only state,
 * generations, positions and floor are looked at. errno.
 */
bool view_write(int folder_fd, struct view_head const *head, struct msgtable *t,
	struct vanished const *vanished, size_t vanished_count)
	__attribute__((warn_unused_result));

/* A number that depends on every UID, and on no order. */
uint64_t view_mix(uint64_t mix, uint32_t uid);

#endif
