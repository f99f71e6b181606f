/*
 * relay.h - talking to the imapd of a shared mailbox
 *
 * One of them for each shared mailbox that is in use, started when it is first
 * needed. Commands go to it one at a time, and its responses to the client,
 * but for those that are not about that mailbox (relay_line.h). When it dies,
 * hangs or does not keep to the form it is let go of; then what was asked has
 * failed, and the next command begins anew.
 */
#ifndef RELAY_H
#define RELAY_H

#include "imapd/relay_line.h"
#include "imapd/session.h"
#include "imapd/share.h"

/* At once; the one that was not used for the longest time makes room. */
#define RELAYS_MAX 8

struct relay {
	bool is_open;
	struct share share;
	struct stream stream;
	unsigned enabled;  /* what it was told of ENABLE */
	uint64_t used;	   /* when; a count */
	uint32_t validity; /* UIDVALIDITY of the mailbox selected there */
	bool read_only;	   /* it was opened so */
	/* The response in hand: its first or next line, and how many octets of
	 * a literal follow. */
	stralloc line;
	bool has_literal;
	uint64_t literal;
	struct relay_line parsed;
};

/* The one for a shared mailbox, ready for a command. NULL: it cannot be had
 * (logged). */
struct relay *relay_get(struct session *s, struct share const *share);

/* The one whose mailbox is selected, ready for a command; NULL: it is gone. */
struct relay *relay_selected(struct session *s);

void relay_close(struct session *s, struct relay *r);

/* Send octets; what is in the way is found when the answer is read. */
void relay_write(struct relay *r, char const *s, size_t len);
void relay_puts(struct relay *r, char const *text);

/*
 * Read the next line of a response into r->line, and r->literal. is_first: it
 * begins one; then it is parsed. False: r is closed.
 */
bool relay_read(struct session *s, struct relay *r, bool is_first)
	__attribute__((warn_unused_result));

/* Take octets of the literal: put (NULL: drop them) is handed all that is
 * there. False: r is closed. */
typedef void relay_put(void *data, char const *s, size_t len);
bool relay_literal(struct session *s, struct relay *r, relay_put *put,
	void *data) __attribute__((warn_unused_result));

/* Pass the response on whose first line was read, or drop it. False: r is
 * closed. */
bool relay_pass(struct session *s, struct relay *r, bool pass)
	__attribute__((warn_unused_result));

/* Pass the tagged line's like on: "+ idling". */
void relay_pass_line(struct session *s, struct relay const *r);

/*
 * Read responses up to the tagged one, which is left in r->parsed. each (or
 * NULL: they go to the client) is called for those that may go to the client.
 * False: r is closed.
 */
enum relay_taken {
	RELAY_DROP,
	RELAY_PASS,
	RELAY_TAKEN, /* it has read all of it */
	RELAY_STOP   /* r is closed */
};
typedef enum relay_taken relay_each(void *data, struct relay *r);
bool relay_finish(struct session *s, struct relay *r, relay_each *each,
	void *data) __attribute__((warn_unused_result));
/* The same for the response whose first line was read. */
bool relay_hear(struct session *s, struct relay *r, relay_each *each,
	void *data) __attribute__((warn_unused_result));

/* Make its tagged answer ours. */
void relay_answer(struct session *s, struct relay const *r);
/* The answer when it is closed. */
void relay_failed(struct session *s);

/* Is its tagged answer OK? */
static inline bool
relay_is_ok(struct relay const *r)
{
	return r->parsed.kind == RELAY_DONE && r->parsed.status[0] == 'O';
}

#endif
