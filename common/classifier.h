/*
 * classifier.h - a program that tells spam by its words
 *
 * bogofilter, or what has its interface: `PROGRAM -T -b -d FOLDER` reads names
 * of files, a line each, and answers `NAME LETTER NUMBER` for each at once
 * (letter S, H or U; number from 0, ham, to 1, spam); `PROGRAM -d FOLDER` with
 * -s, -n, -S and -N learns what stands on its standard input. The text it gets
 * is mime/spamtext.h's. Starting it needs fork and exec; asking it does not, so
 * that a process can start it first and close its sandbox then. Its database
 * lies in FOLDER, whose owner decides whose it is.
 */
#ifndef CLASSIFIER_H
#define CLASSIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Octets of one answer. */
#define CLASSIFIER_LINE_MAX 256

enum classifier_verdict {
	CLASSIFIER_NONE, /* it can't tell: nothing was learnt yet, say */
	CLASSIFIER_SPAM,
	CLASSIFIER_HAM,
	CLASSIFIER_UNSURE
};

struct classifier {
	int in_fd, out_fd; /* of ours; -1: not running */
	int text_fd;	   /* a file without a name that both have open */
	pid_t pid;
};
#define CLASSIFIER_ZERO                                                        \
	{                                                                      \
		.in_fd = -1, .out_fd = -1, .text_fd = -1, .pid = 0             \
	}

/* Start program on the database in folder. False: errno. */
bool classifier_start(struct classifier *c, char const *program,
	char const *folder) __attribute__((warn_unused_result));

/*
 * Ask about s[0..len) and wait, timeout_ms at most. thousandths_r gets 0 (ham)
 * to 1000 (spam). False: errno, or it has ended without an answer (EPIPE); then
 * it has to be ended, and started again.
 */
bool classifier_test(struct classifier *c, char const *s, size_t len,
	int timeout_ms, enum classifier_verdict *verdict_r,
	unsigned *thousandths_r) __attribute__((warn_unused_result));

/* End it (by force if it does not within a second); twice is safe. While it
 * runs it may lock its database. */
void classifier_end(struct classifier *c);

enum classifier_lesson {
	CLASSIFIER_LEARN_SPAM = 's',
	CLASSIFIER_LEARN_HAM = 'n',
	CLASSIFIER_FORGET_SPAM = 'S',
	CLASSIFIER_FORGET_HAM = 'N'
};

/* Have it learn s[0..len); waits for it. False: errno, or EIO if the program
 * failed. */
bool classifier_learn(char const *program, char const *folder,
	enum classifier_lesson lesson, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* An answer, its line end cut. Pure. False: it is none. */
bool classifier_parse(char const *s, size_t len,
	enum classifier_verdict *verdict_r, unsigned *thousandths_r)
	__attribute__((warn_unused_result));

#endif
