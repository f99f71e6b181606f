/*
 * hook.h - external programs that look at a message before it is accepted
 *
 * As bayes.h, a server process executes them: it alone is outside of the
 * sandbox, and it executes nothing but what the rules name. A hook has the
 * message on its standard input, and limits of memory, time, descriptors and
 * what it may write; its exit code is what it says (check(8)).
 */
#ifndef HOOK_H
#define HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "smtpd/checking.h"

/* Exit codes. All others, and death, are a failure of the hook. */
#define HOOK_ACCEPT 0
#define HOOK_REPLACE 10 /* by what it wrote to standard output */
#define HOOK_REJECT 100 /* the first line it wrote is the text */
#define HOOK_REJECT_QFILTER 31
#define HOOK_TEMPFAIL 111
#define HOOK_JUNK 99
/* Not an exit code: it could not be run, was killed or took too long. */
#define HOOK_FAILED 256u

/* Octets that a hook may write. */
#define HOOK_OUTPUT_MAX (256u * 1024 * 1024)
/* Octets of the recipients that a hook is told. */
#define HOOK_RECIPIENTS_MAX 16000

struct hook_request {
	struct checking_bytes path;
	struct checking_message const *message;
	/* NUL-ended each; what does not fit is left out. */
	char const *to;
	size_t to_len;
	char const *s; /* the message as it is now */
	size_t len;
	int timeout_ms;
};

struct hook_answer {
	unsigned code; /* exit code, or HOOK_FAILED */
	int output_fd; /* what it wrote, from offset 0; the caller's; or -1 */
	uint64_t output_len;
};

/* The server's loop, see bayes.h. */
int hook_serve(int control_fd, int requests_fd);

/* Ask the server. What goes wrong is HOOK_FAILED. */
void hook_ask(int requests_fd, struct hook_request const *request,
	struct hook_answer *answer_r);

#endif
