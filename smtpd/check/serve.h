/*
 * serve.h - the processes of check: one a session, one a message
 *
 * The process of a session closes its sandbox, takes requests off its pair and
 * forks one for each message, which gives up forking, examines, answers and
 * ends. One that dies costs its message a 451, and nothing else.
 */
#ifndef SERVE_H
#define SERVE_H

#include "smtpd/check/examine.h"

/*
 * Serve the session on pair_fd until it ends. x has what is the same for all
 * messages. Returns the exit code.
 */
int serve_session(int pair_fd, struct examine *x);

#endif
