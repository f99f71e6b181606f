/*
 * obey.h - doing what a command asks for
 *
 * What is in work when a command comes goes on; the command is obeyed at the
 * end of its attempt.
 */
#ifndef OBEY_H
#define OBEY_H

#include "common/queuefile.h"

/* q's command has been found to be one that its owner may give. */
void obey(struct queuefile const *q);

#endif
