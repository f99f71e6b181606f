/*
 * verify.h - the child that judges one password
 *
 * It computes the hash, or runs a checkpassword program; its exit code is the
 * answer. A process of its own, so that nobody waits for another's hash.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "common/monitor/question.h"

/*
 * Start one for q: q->child and q->child_fd, which has its end when the child
 * ends. program: a checkpassword program, or NULL. errno.
 */
bool verify_start(struct question *q, char const *program)
	__attribute__((warn_unused_result));

/* The child has ended, or is about to: wait for it, and close q->child_fd. */
enum request_verdict verify_finish(struct question *q, char const *program);

#endif
