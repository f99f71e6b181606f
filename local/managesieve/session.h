/*
 * session.h - ManageSieve after login (RFC 5804)
 *
 * Reads commands until the client or its time is over.
 */
#ifndef MANAGESIEVE_SESSION_H
#define MANAGESIEVE_SESSION_H

#include <stdbool.h>
#include "common/stream.h"
#include "local/managesieve/scripts.h"

struct managesieve_session {
	struct stream *stream;
	struct scripts scripts;
	char const *owner; /* the mailbox's address, or NULL */
};

/* greets: the client has seen no front. */
void managesieve_run(struct managesieve_session *s, bool greets);

/*
 * What is remarkable about a script that compiles: appends a line for each to
 * warnings, CRLF between. False: memory is out.
 */
struct sieve_program;
bool managesieve_warn(struct scripts const *s, struct sieve_program const *p,
	stralloc *warnings) __attribute__((warn_unused_result));

#endif
