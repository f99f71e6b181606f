/*
 * transfer.h - putting messages of a mailbox into another folder
 *
 * All or nothing: files are linked into the folder's tmp under new names, made
 * durable, moved to cur or new, and given their UIDs while the folder is
 * locked. Flags go along; keywords by their names.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "imapd/mailbox.h"
#include "imapd/rights.h"

struct transfer_item {
	size_t index; /* in the mailbox's view */
	char *name;   /* base name in the new folder */
	char *file;   /* full name there, once it is out of tmp */
};

struct transfer {
	struct transfer_item *items;
	size_t count, allocated;
	unsigned rights; /* to the folder: which flags go along (rights.h) */
	/* Results. */
	uint32_t validity, first_uid; /* UIDs follow in the order of items */
};
#define TRANSFER_ZERO                                                          \
	{                                                                      \
		.rights = RIGHTS_ALL                                           \
	}

enum transfer_result {
	TRANSFER_DONE,
	TRANSFER_NO_FOLDER,
	TRANSFER_GONE,	/* one of the messages is gone: nothing was done */
	TRANSFER_FAILED /* errno; nothing was done */
};

bool transfer_add(struct transfer *t, size_t index)
	__attribute__((warn_unused_result));

/* Is there room for them by the maildir's quota? */
bool transfer_allowed(
	struct transfer const *t, struct mailbox const *m, int root_fd);

/* host: for the names of files. With nothing added: only whether there is such
 * a folder. */
enum transfer_result transfer_run(struct transfer *t, struct mailbox *m,
	int root_fd, char const *dir, char const *host)
	__attribute__((warn_unused_result));

void transfer_free(struct transfer *t);

#endif
