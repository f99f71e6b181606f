/*
 * serve.h - a worker of check: looks at one message at a time
 *
 * Closes its sandbox (no files, no children), then takes sessions off its
 * control pair, as pool.h says: of each one message, which it examines and
 * answers. Nothing of a message is left for the next but memory that is used
 * again. If anything fails it ends, and whoever started it puts the message
 * off.
 */
#ifndef SERVE_H
#define SERVE_H

#include "smtpd/check/examine.h"

/*
 * Serve until control_fd ends. x has what is the same for all messages. Returns
 * the exit code.
 */
int serve_worker(int control_fd, struct examine *x);

#endif
