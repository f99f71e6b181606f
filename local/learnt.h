/*
 * learnt.h - what was learnt of a mailbox's owner
 *
 * A file of records, one for each text, where its digest says; a later one may
 * take its place. So who says a thing twice has said it once, and who changes
 * their mind takes back what they said.
 */
#ifndef LEARNT_H
#define LEARNT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/lessons.h"

#define LEARNT_DIGEST 16
#define LEARNT_RECORDS 8192u
#define LEARNT_RECORD_SIZE (LEARNT_DIGEST + 1)
/* Octets of the file; what stands behind is not ours. */
#define LEARNT_SIZE ((off_t)LEARNT_RECORDS * LEARNT_RECORD_SIZE)

struct learnt {
	unsigned char digest[LEARNT_DIGEST];
};

/* What the text was learnt as; *at_r is for learnt_note. */
enum lesson learnt_recall(
	int fd, char const *text, size_t len, struct learnt *at_r);

bool learnt_note(int fd, struct learnt const *at, enum lesson lesson)
	__attribute__((warn_unused_result));

#endif
