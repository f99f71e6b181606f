/*
 * memory.h - what is remembered of a folder from one session to the next
 *
 * A snapshot (view.h) and what the log (journal.h) tells since. Together they
 * say which messages there were, under which names, with which MODSEQs, and
 * what the folder looked like from outside (struct mailbox_state): whoever
 * finds it looking so need not read it.
 *
 * It is all or nothing: if either file is missing, damaged, or not of one kind
 * with the other, nothing is remembered, and what a client knows of flags and
 * removed messages is told to it again.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "imapd/view.h"

/* Of messages that are gone so many are remembered at least. */
#define MEMORY_VANISHED_MAX 50000

struct memory {
	struct journal journal; /* fd -1: nothing is remembered */
	struct view view;
	struct mailbox_state state; /* the last that was true */
	uint64_t highest;	    /* MODSEQ that any change has */
	uint64_t floor;		    /* see struct view_head */
	/* Beside those in view.vanished. */
	struct vanished *vanished;
	size_t vanished_count, vanished_allocated;
	uint64_t view_pos; /* in the log, of the newest snapshot */
	uint32_t last_uid; /* the highest that the log has named */
};
#define MEMORY_ZERO                                                            \
	{                                                                      \
		.journal = JOURNAL_ZERO, .view = VIEW_ZERO                     \
	}

/*
 * Load what is remembered of a folder. t becomes the messages as they were;
 * what of it may be looked at view.h says, or memory_check.
 *
 * locked  the caller has the log's lock: nobody is writing it
 *
 * 1, 0 nothing is remembered (t is empty), -1 (errno).
 */
int memory_load(struct memory *m, struct msgtable *t, int folder_fd,
	bool locked) __attribute__((warn_unused_result));

/* Before any of t is looked at, or of view.vanished: have all of it. False:
 * damaged. */
bool memory_check(struct memory *m, struct msgtable const *t)
	__attribute__((warn_unused_result));

void memory_free(struct memory *m);

bool memory_add_vanished(struct memory *m, uint32_t uid, uint64_t modseq)
	__attribute__((warn_unused_result));

/* Take those of the snapshot's map along, before the map goes. */
bool memory_keep_vanished(struct memory *m) __attribute__((warn_unused_result));

/* The n-th of view.vanished_count + vanished_count. */
size_t memory_vanished_count(struct memory const *m);
struct vanished const *memory_vanished(struct memory const *m, size_t n);

/* The first message of t whose UID is uid or greater. */
size_t memory_find_uid(struct msgtable const *t, uint32_t uid);

/* The name that a record of type FLAGS or RENAME gives to message i: in
 * out[FILENAME_MAX_LEN + 1]; returns its length, 0 if it is too long. */
size_t memory_name(struct msgtable const *t, size_t i,
	struct journal_record const *r, char *out);

#endif
