/*
 * tutor.h - the process that runs the classifier of a mailbox's owner
 *
 * Forked by a delivery that has dropped its rights and has not closed its
 * sandbox yet, as locker.h's is; it has no filter but its parents', limits, and
 * of descriptors its pair and standard error alone. It parses nothing: it gets
 * texts in files, and has the classifier learn them or judge them. It ends with
 * the delivery.
 *
 * A frame has one octet, `b` (judge) or a lesson of classifier.h, and a file.
 * The answer: u8 1 done, 0 not; u8 verdict; u32 thousandths.
 */
#ifndef TUTOR_H
#define TUTOR_H

#include <stdbool.h>
#include "common/classifier.h"

/* Fork it: program works on the database in folder, below the working folder.
 * Returns the end of its pair, -1: errno. */
int tutor_start(char const *program, char const *folder)
	__attribute__((warn_unused_result));

/* Ask it to judge the text, or to learn it; false: it could not. */
bool tutor_judge(int tutor_fd, int text_fd, enum classifier_verdict *verdict_r,
	unsigned *thousandths_r) __attribute__((warn_unused_result));
bool tutor_learn(int tutor_fd, enum classifier_lesson lesson, int text_fd)
	__attribute__((warn_unused_result));

#endif
