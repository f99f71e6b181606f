/*
 * queued.h - a message that is being worked on
 *
 * Its file is open and its envelope is in memory: from then on the states of
 * its recipients are kept here, whatever the file's dropper does to it.
 */
#ifndef QUEUED_H
#define QUEUED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include "common/queuefile.h"

/* What became of one recipient, beyond its state. */
struct queued_fate {
	char *why; /* allocated, or NULL: as it stands in the envelope */
	size_t why_len;
	char *instead; /* allocated, or NULL: the address it goes to */
	bool handled;  /* this attempt is through with it */
	bool waits;    /* until the message is signed */
	bool changed;  /* the file does not say so yet */
};

struct queued {
	int fd; /* read-only: deliveries get it */
	uid_t owner;
	struct queuefile q;
	struct queued_fate *fates; /* q.recipient_count */
	uint32_t sender;	   /* its number: see sender.h */
	unsigned open;		   /* deliveries and tasks that are under way */
	bool is_late;	  /* the report that is written tells of delay, too */
	bool is_dropped;  /* by a command: it ends without a word */
	bool is_given_up; /* by a command: what is to do has failed */
	bool is_remote;	  /* some recipient goes through a remote */
	bool is_routed;	  /* else it is still to be taken over */
	/* what could not be done for lack of room, and is tried again */
	void (*again)(struct queued *m);
	/* For other hosts alone: the sender, if it is not q's; what the signer
	 * made, once is_signed. Allocated. */
	char *forward_sender;
	char *lines;
	size_t lines_len;
	bool is_signed, is_seven;
	/* While the signer is asked: see signing.h. */
	struct queued *sign_next;
	uint32_t sign_number;
	unsigned sign_deaths;
	struct destination *sign_for;  /* in whose line it stands, or NULL */
	size_t weight;		       /* octets of memory it takes */
	struct queued *before, *after; /* all that are in work */
	struct queued *chain;	       /* of its hash there */
};

enum queued_error {
	QUEUED_GONE = 1,  /* no such file */
	QUEUED_NOT_PLAIN, /* link, folder, FIFO, a second link ... */
	QUEUED_FORBIDDEN, /* can't be opened */
	QUEUED_SHORT,	  /* shorter than its envelope says; st is set */
	QUEUED_LONG,
	QUEUED_MALFORMED,
	QUEUED_NAME,   /* the envelope has another id */
	QUEUED_EMPTY,  /* no recipients, or a command with some */
	QUEUED_TROUBLE /* errno: try later */
};
char const *queued_strerror(enum queued_error e);

/*
 * Open folder_fd/name and read its envelope. Nothing in it is trusted; links
 * are not followed, a FIFO is not waited for. A name that is an id, as in cur,
 * counts before the one in the envelope. NULL: *error_r; *st_r is valid
 * unless the file could not be opened.
 */
struct queued *queued_load(int folder_fd, char const *name, struct stat *st_r,
	enum queued_error *error_r) __attribute__((warn_unused_result));

void queued_free(struct queued *m);

/* Note a recipient's state and reason; the file is not touched. */
void queued_note(struct queued *m, size_t recipient, enum queuefile_state state,
	char const *why, size_t why_len);

/* Recipients in this state. */
size_t queued_count(struct queued const *m, enum queuefile_state state);

/* Whether some recipient is owed a report; and: it has been written. */
bool queued_owes_report(struct queued const *m);
void queued_told(struct queued *m);

/*
 * Write the marks of recipients that changed into the manager's own file, in
 * place, and with `schedule` its next try, its attempts, and whether it is held
 * and its sender warned. Nothing is synced. errno.
 */
bool queued_mark(struct queued *m, int fd, bool schedule)
	__attribute__((warn_unused_result));

#endif
