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
#include "common/verp.h"

/* What the signer made, in one block. */
struct queued_lines {
	bool is_seven; /* in the form of JOB_SEVEN */
	size_t len;
	char s[];
};

/* For which signature a recipient waits: none, the message's, its own copy's.
 */
enum queued_waits { QUEUED_WAITS_NOT, QUEUED_WAITS_MESSAGE, QUEUED_WAITS_COPY };

/* What became of one recipient, beyond its state. */
struct queued_fate {
	char *why;     /* allocated, or NULL: as it stands in the envelope */
	char *instead; /* allocated, or NULL: the address it goes to */
	/* Of a copy that is signed for itself; allocated, or NULL. */
	struct queued_lines *lines;
	bool handled; /* this attempt is through with it */
	enum queued_waits waits;
	bool changed; /* the file does not say so yet */
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
	struct queued_lines *lines;
	bool is_signed;
	/* Recipients up to here have been routed, the last of them from
	 * begun_from on; what is behind them has its turn when fewer are under
	 * way. */
	size_t begun_from, begun;
	bool is_asked; /* the signer, for the whole message */
	struct queued
		*begin_next; /* of those with such a rest; see is_listed */
	bool is_listed;
	unsigned unmarked;  /* recipients that the file does not know of */
	uint64_t marked_ms; /* loop_now_ms of the last marks */
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

/* Whether recipients are still to be routed in this attempt. */
bool queued_has_rest(struct queued const *m);

/* The sender that a recipient is sent: with QUEUEFILE_VERP its own, in out.
 * Returns its length. */
size_t queued_sender(struct queued const *m, size_t recipient,
	char out[QUEUEFILE_ADDRESS_MAX + 1]);

/* The fields of one-click unsubscribe that a recipient's copy has in front;
 * their length, 0: none. */
size_t queued_unsubscribe(
	struct queued const *m, size_t recipient, char out[VERP_FIELDS_MAX]);

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
