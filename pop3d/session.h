/*
 * session.h - a POP3 session after login (RFC 1939 5, 6)
 */
#ifndef POP3_SESSION_H
#define POP3_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include "common/stream.h"
#include "pop3d/maildrop.h"

struct pop3_session {
	struct stream *stream;
	struct pop3_maildrop *maildrop;
	bool has_login; /* a front is before us: CAPA names its ways in too */
	unsigned bad_commands;
	/* for the log */
	uint64_t retrieved, removed, octets;
	bool has_quit;
};

/*
 * Greet with the number of messages, then answer commands until QUIT, the end
 * of input or a failure. Deletes only at QUIT.
 */
void pop3_session_run(struct pop3_session *p);

#endif
