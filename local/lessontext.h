/*
 * lessontext.h - the classifier's text of a message, in a file
 *
 * What mime/spamtext.h makes, as those get it who run the classifier: in a
 * memfd. The same of a message in the queue and of one in a maildir.
 */
#ifndef LESSONTEXT_H
#define LESSONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "mime/message.h"

/* Octets of a message that are looked at. */
#define LESSONTEXT_LOOK_MAX (2u * 1024 * 1024)

/* Append what stands there in the file, LESSONTEXT_LOOK_MAX in all at most. */
bool lessontext_read(stralloc *out, int fd, uint64_t offset, uint64_t len)
	__attribute__((warn_unused_result));

/* The text of what is in m->text, in *text and in a file; -1: errno. */
int lessontext_make(struct message *m, stralloc *text)
	__attribute__((warn_unused_result));

#endif
