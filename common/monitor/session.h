/*
 * session.h - the monitor's sessions: a place for each client
 *
 * A table of fixed size; what a session does is serve.c's. For the monitor
 * alone.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "common/monitor/request.h"
#include "common/monitor/service.h"

/* Mailbox programs of shared mailboxes that one session may have at once. */
#define SESSION_ATTACHED_MAX 16

/* A client, from accept until its front is gone. */
struct session {
	bool is_used;
	enum role template; /* whose child its front is */
	int attach; /* the pair to its program, to ask for others; or -1 */
	/* The mailbox's while it runs, and then those that it was given. */
	pid_t programs[1 + SESSION_ATTACHED_MAX];
	int pair;	      /* to the front; -1 once it has no more to ask */
	int status;	      /* of a mailbox program on its way; else -1 */
	int pipes[2];	      /* kept for the front until then */
	unsigned keys;	      /* those of the certificates that it got */
	uint8_t signs, opens; /* signatures given, sessions with others */
	uint16_t generation;  /* so that a late answer finds nobody */
	size_t rank; /* which of its network's sessions it was; 0: evicted */
	struct client client;
	char mailbox[REQUEST_MAILBOX_MAX + 1]; /* empty before login */
};

extern struct session_table {
	struct session *list;
	size_t count; /* that are used */
	size_t top;   /* none from here on is */
	size_t limit; /* clients at once */
	size_t max;   /* places: some more, while evicted ones go */
} sessions;

/* Room for limit clients. False: no memory. */
bool session_prepare(size_t limit);

/* What a front's template and auth know a session by. */
uint32_t session_ticket(struct session const *s);
/* NULL: it is over. */
struct session *session_of(uint32_t ticket);

/*
 * The lowest free place for the client, unless there are too many already: at
 * most most of one network. *rank_r is which of its network's sessions this
 * will be. When all places are taken, *greedy_r has to give up its own first:
 * one of the network that has most of them, not logged in; else NULL. NULL:
 * there is none.
 */
struct session *session_place(struct client const *client, uint64_t most,
	size_t *rank_r, struct session **greedy_r);

/* Empty a place for the client; count it as taken; give it back. */
void session_clear(struct session *s, struct client const *client, size_t rank);
void session_use(struct session *s);
void session_free(struct session *s);

#endif
