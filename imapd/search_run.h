/*
 * search_run.h - which messages match a search program
 *
 * search_prepare does once what is the same for all messages; then
 * search_matches tells of one message, search_collect of all. Keys that cost
 * little are asked first.
 */
#ifndef SEARCH_RUN_H
#define SEARCH_RUN_H

#include "imapd/search_key.h"
#include "imapd/search_message.h"
#include "imapd/search_reply.h"
#include "imapd/text_index.h"

struct search {
	struct search_message message;
	struct search_args args;
	int64_t now_s;	  /* of OLDER and YOUNGER */
	bool asks_modseq; /* the answer has to tell it */
	/* Of keys that are sets: a bit for each message. */
	unsigned char *sets[SEARCH_KEYS_MAX];
	char *needles[SEARCH_KEYS_MAX]; /* folded text */
	uint32_t keywords[SEARCH_KEYS_MAX];
	/* The file must be looked at. */
	bool costly[SEARCH_KEYS_MAX];
	/* What the text index says (search_indexed.h). */
	struct text_index index;
	struct text_answer answers[SEARCH_KEYS_MAX];
	bool asked[SEARCH_KEYS_MAX], exact[SEARCH_KEYS_MAX];
	bool index_open, built;
	size_t read;	/* messages it did not know */
	int64_t told_s; /* when the client was told of progress */
	int64_t build_s;
};

/*
 * Make q->args, which the caller has filled, ready. False: answered; in any
 * case search_release frees what q holds.
 */
bool search_prepare(struct search *q, struct session *s)
	__attribute__((warn_unused_result));
void search_release(struct search *q);

/* Does message i match? */
bool search_matches(struct search *q, size_t i);

enum search_extent { SEARCH_ALL, SEARCH_FIRST, SEARCH_LAST };

/*
 * All messages that match, in the mailbox's order, or the first or the last
 * one alone. False: memory.
 */
bool search_collect(struct search *q, enum search_extent extent,
	struct search_found *found_r) __attribute__((warn_unused_result));

/* Leave the tagged answer behind a search: NO if messages could not be read. */
void search_done(struct search const *q, char const *word);

#endif
