/*
 * signin.h - the login of a client, whatever protocol carries it
 *
 * What fronts have in common between the first octet and the mailbox program:
 * how long it may take, and the exchange of SASL messages. How a challenge and
 * an answer look, and what a verdict is called, is the protocol's.
 */
#ifndef SIGNIN_H
#define SIGNIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/monitor/front.h"

#define SIGNIN_FAILED_MAX 3
#define SIGNIN_BAD_COMMANDS_MAX 10

enum signin {
	SIGNIN_GONE = -1, /* the client has */
	SIGNIN_ANSWERED,  /* cancelled or malformed, and told so by ask */
	SIGNIN_JUDGED,
	SIGNIN_MALFORMED, /* what came with the command, or a name or password
			   * that can't be one: not told yet */
	SIGNIN_UNKNOWN	  /* there is no such mechanism, or it is not offered */
};

/* Set the time limits of the setting login-timeout (60 seconds): for a command,
 * and three times that for all of them. Returns when all must be over, on
 * stream_clock_ms. */
int64_t signin_begin(struct front *f);

/* Before each command: it must not take longer than what is left. */
void signin_next(struct front *f, int64_t deadline_ms);

/*
 * A whole login by the mechanism of that name: PLAIN, LOGIN (in no RFC; some
 * clients know nothing else), or one of front_mechanism. initial: what came
 * with the command, in base64, maybe empty; NULL: nothing did. ask: see
 * front.h. After SIGNIN_JUDGED *verdict_r and pipes_r are as after
 * front_exchange.
 */
enum signin signin_sasl(struct front *f, char const *name, size_t name_len,
	char const *initial, size_t initial_len, front_ask *ask, void *data,
	enum request_verdict *verdict_r, int pipes_r[2])
	__attribute__((warn_unused_result));

/* The same with a name and a password (RFC 4616). SIGNIN_JUDGED or
 * SIGNIN_MALFORMED. */
enum signin signin_password(struct front *f, char const *user, size_t user_len,
	char const *password, size_t password_len,
	enum request_verdict *verdict_r, int pipes_r[2])
	__attribute__((warn_unused_result));

/* Forget what the client has sent, and move octets from now on. What has to be
 * said about it is in the output already. */
void signin_done(struct front *f, int const pipes[2]) __attribute__((noreturn));

#endif
