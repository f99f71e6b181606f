/*
 * view.h - a folder as it was (the file `kereru-view`)
 *
 * All records of a folder's messages in the form in which a session has them,
 * so that opening a folder is mapping a file; with the hash of their names,
 * the UIDs that have vanished, and the place in the log up to which it is
 * told (journal.h). Written whole under another name and renamed, never
 * changed: a map of it stays good as long as it is wanted.
 *
 * Everything has checksums. The head is checked when it is opened, the records
 * (with the hash and the vanished UIDs) and the names before they are first
 * used, since most sessions use neither. A host with another layout sees a
 * damaged file.
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
	uint32_t in_new, last_uid, used;      /* keywords */
	uint32_t slots_count, vanished_count;
	uint64_t names_len;
	uint32_t names_crc, slots_crc, records_crc, reserved;
	unsigned char key[MSGTABLE_KEY_LEN];
};

struct view {
	struct view_head head;
	struct vanished const *vanished; /* in the map */
	bool records_checked, names_checked;
};

/*
 * Open a folder's file: v, and t (empty before), whose records must not be
 * looked at before view_check_records, nor names before view_check_names.
 * map: the file may be mapped; else it is read. 1, 0 there is none or it is
 * damaged, -1 (errno).
 */
int view_open(struct view *v, struct msgtable *t, int folder_fd, bool map)
	__attribute__((warn_unused_result));

/* False: damaged. Of a table that did not come from a file: true. */
bool view_check_records(struct view *v, struct msgtable const *t)
	__attribute__((warn_unused_result));
bool view_check_names(struct view *v, struct msgtable const *t)
	__attribute__((warn_unused_result));

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
