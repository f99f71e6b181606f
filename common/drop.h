/*
 * drop.h - adding a message to the queue (tmp -> new)
 *
 * Used by everything that queues a message: smtpd, sendmail, and the
 * manager's children that write bounces and expanded copies. Works on
 * descriptors of queue/tmp and queue/new alone. Order: create in tmp
 * (O_EXCL, a secret name), write, fsync, rename to new, make the rename
 * durable; only then may the caller acknowledge.
 */
#ifndef DROP_H
#define DROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/queuefile.h"

#define DROP_BUFFER 65536
#define DROP_NAME_LEN (ID_LEN + 1 + ID_SECRET_LEN)

/* What is known before the message comes. Strings are the caller's. */
struct drop_envelope {
	char const *origin;
	size_t origin_len;
	char const *sender;
	size_t sender_len;
	/* address, state, notify, orcpt and token are used */
	struct queuefile_recipient *recipients;
	size_t recipient_count;
	unsigned flags;	  /* QUEUEFILE_* */
	uint64_t arrived; /* microseconds; 0: now */
	uint64_t next;	  /* seconds of the first try; 0: at once */
	uint64_t expires;
	uint32_t attempts;
	/* What was asked for; 0 and NULL: nothing. As in queuefile.h. */
	int priority;
	uint64_t deliver_by;
	char by_mode;
	bool by_trace;
	char ret;
	char const *envid;
	size_t envid_len;
	char const *unsubscribe;
	size_t unsubscribe_len;
	char const *command;
	size_t command_len;
	/* Of the manager alone: see queuefile.h. */
	bool has_dropper;
	uint32_t dropper;
};

enum drop_durability {
	DROP_SYNC_FOLDER, /* fsync of new: its descriptor is open for reading */
	DROP_SYNC_FILE	  /* fsync of the file once more, where new can't be
			   * opened (ext4 and XFS commit the rename with it) */
};

struct drop {
	int tmp_fd, new_fd, fd;
	enum drop_durability durability;
	char name[DROP_NAME_LEN + 1];
	struct queuefile q;
	bool failed; /* sticky; error holds the first errno */
	int error;
	size_t used;
	char buffer[DROP_BUFFER];
	stralloc envelope;
};

/*
 * Create the file. d->q.id is the new id. Keeps pointers of e until
 * drop_commit or drop_abort. tmp_fd and new_fd stay the caller's.
 * False: nothing was left behind; errno.
 */
bool drop_begin(struct drop *d, int tmp_fd, int new_fd,
	enum drop_durability durability, struct drop_envelope const *e)
	__attribute__((warn_unused_result));

/*
 * Append octets of the message (CRLF line ends, dot-stuffing undone). Failures
 * are remembered and told by drop_commit, so that the caller can go on reading
 * what the client sends.
 */
void drop_message(struct drop *d, char const *s, size_t len);

/* Append header lines that readers put in front; after all of the message. */
void drop_added(struct drop *d, char const *s, size_t len);

/*
 * Write out what is there so far and open the file once more, for reading, so
 * that another process can look at it: offsets and lengths are d->q's, those in
 * the file are not filled in yet. Returns the descriptor, the caller's; -1:
 * errno.
 */
int drop_open(struct drop *d) __attribute__((warn_unused_result));

/*
 * Fill in the envelope, fsync, rename, sync again. True: the message is
 * durable and the manager's. False: errno; a message that could not be made
 * durable is removed where that is still possible (before the rename), and
 * after the rename left in new (the manager may deliver it, the client will
 * send it again).
 */
bool drop_commit(struct drop *d) __attribute__((warn_unused_result));

/* Remove the file; after a failed or instead of a commit. Safe to call twice.
 */
void drop_abort(struct drop *d);

#endif
