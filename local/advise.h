/*
 * advise.h - the mailbox's own classifier: what it says, what it learns
 *
 * Its words lie in the maildir (lessons.h) and are the owner's alone: what it
 * says may tag a message or put it into Junk, never refuse it, and what is
 * learnt here changes nothing for others. Messages are taken apart here, within
 * the sandbox; tutor.h executes the program. A mailbox without words and
 * without lessons costs two system calls a delivery process.
 */
#ifndef ADVISE_H
#define ADVISE_H

#include <stdbool.h>
#include "common/job.h"

#define ADVISE_NOTE_MAX 64

struct advise {
	int tutor_fd; /* -1: there is nothing to ask or learn */
	int root_fd;
	bool has_words;
	char note[ADVISE_NOTE_MAX]; /* a header line about the last message */
};
#define ADVISE_ZERO                                                            \
	{                                                                      \
		.tutor_fd = -1, .root_fd = -1                                  \
	}

/* Before the sandbox closes, in the maildir. program: the classifier; empty:
 * none. Makes the folder in which lessons are left. */
void advise_start(struct advise *a, int root_fd, char const *program);

/* Ask about a job's message. True: it is junk; note says what was said, or is
 * empty. */
bool advise_ask(struct advise *a, struct job const *job, int fd)
	__attribute__((warn_unused_result));

/* Learn the oldest lesson. False: there is none, or it can't be learnt now. */
bool advise_learn(struct advise *a) __attribute__((warn_unused_result));

#endif
