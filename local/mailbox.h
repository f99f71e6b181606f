/*
 * mailbox.h - the mailbox that a process delivers into
 *
 * What local.c (which serves the channel) and sort.c (which does what a script
 * says) share.
 */
#ifndef LOCAL_MAILBOX_H
#define LOCAL_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>
#include "common/job.h"
#include "common/maildir.h"
#include "local/advise.h"
#include "local/boxes.h"
#include "local/deliver.h"
#include "local/outgoing.h"
#include "local/program.h"

/* The mailbox of a message that was judged to be junk. */
#define MAILBOX_JUNK "Junk"

struct mailbox {
	int channel_fd;
	char const *problem; /* why nothing can be delivered now, or NULL */
	bool may_lock;
	bool junks; /* what the owner's classifier calls spam */
	bool has_served;
	bool must_end; /* what is needed can't be started here any more */
	struct delivery_place place;
	struct boxes boxes;
	struct outgoing outgoing;
	struct advise advise;
	bool must_leave; /* the same, and the job in hand waits for the next */
	bool may_run;		      /* the host has programs for users */
	struct program_runner runner; /* pair_fd -1: it does not run */
	stralloc lines;		      /* those that it runs */
	/* Written and not counted in the quota yet. */
	uint64_t pending_octets, pending_count;
};

/* A job that is being done. */
struct delivery {
	uint32_t number;
	int folder_fd;	 /* where it goes */
	bool is_written; /* waits for its commit */
	bool has_flags;
	bool is_synced;
	char letters[FILENAME_MAX_LEN + 1]; /* its flags, with has_flags */
	struct delivery_result result;
	struct maildir_writer writer;
};

/* Whether the quota has room for another message; else *result_r says so. */
bool mailbox_has_room(struct mailbox *m, uint64_t octets,
	struct delivery_result *result_r) __attribute__((warn_unused_result));

/* Count a message that was committed. */
void mailbox_count(struct mailbox *m, char const *name);

#endif
