/*
 * pupil.h - the process that has the common classifier learn
 *
 * Runs under check's uid, in the folder of the common database. It gets texts
 * of one mailbox (whose, it was told by root, not by who sends them), keeps to
 * the mailbox's limit of a day, learns each once, and takes back what was said
 * before when it hears the contrary. It parses nothing.
 *
 * A frame has one octet, a lesson of lessons.h, and a file; so has the answer:
 * `o` done, `e` enough for today, `n` not now.
 */
#ifndef PUPIL_H
#define PUPIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "common/lessons.h"

/* A file for each mailbox that has taught, by uid; see learnt.h. */
#define PUPIL_FOLDER "taught"

struct pupil {
	char const *program, *folder;
	char const *mailbox; /* for the log */
	uid_t uid;	     /* the mailbox's */
	uint32_t day_max;    /* texts that it may teach a day */
};

/* Until the teacher has ended. The exit code. */
int pupil_run(struct pupil const *p, int teacher_fd);

enum pupil_answer { PUPIL_DONE = 'o', PUPIL_ENOUGH = 'e', PUPIL_FAILED = 'n' };

/* The teacher's side. */
enum pupil_answer pupil_teach(int pupil_fd, enum lesson lesson, int text_fd)
	__attribute__((warn_unused_result));

#endif
