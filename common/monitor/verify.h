/*
 * verify.h - the child that judges one password
 *
 * It computes the hash, or runs the program that judges instead: a
 * checkpassword program, or, for a question with a token, the OAuth program,
 * whose standard input is the token and the user (empty if the client named
 * none), a line each, and whose standard output is the mailbox that the token
 * is for. The exit code is the answer. A process of its own, so that nobody
 * waits for another's hash.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "common/monitor/question.h"

/* A mailbox and the end of its line. */
#define VERIFY_OWNER_MAX (REQUEST_MAILBOX_MAX + 2)

/*
 * Start one for q: q->child and q->child_fd, which has its end when the child
 * ends. program: the one for this question, or NULL. errno.
 */
bool verify_start(struct question *q, char const *program)
	__attribute__((warn_unused_result));

/*
 * The child has ended, or is about to: wait for it, and close q->child_fd. With
 * REQUEST_OK owner_r is what an OAuth program has said, *len_r octets.
 */
enum request_verdict verify_finish(struct question *q, char const *program,
	char owner_r[VERIFY_OWNER_MAX], size_t *len_r);

#endif
