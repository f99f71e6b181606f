/*
 * bearer.h - the client's message of OAUTHBEARER (RFC 7628, 3.1)
 *
 * A gs2 header with the name that the client wants to be, and pairs of key and
 * value, of which the token's counts; host and port tell nothing that we don't
 * know. Pure. What the token is worth is judged elsewhere.
 */
#ifndef BEARER_H
#define BEARER_H

#include <stdbool.h>
#include <stddef.h>
#include "common/monitor/request.h"

/* What is told behind a denial, before it (RFC 7628, 3.2.3). */
#define BEARER_FAILURE "{\"status\":\"invalid_token\"}"

struct bearer {
	char user[REQUEST_MAILBOX_MAX]; /* empty: the token alone tells */
	size_t user_len;
	char const *token; /* points into the message; without blanks */
	size_t token_len;
};

/* False: malformed, channel binding, a name that is not prepared, no token of
 * the scheme Bearer or more than one. */
bool bearer_parse(char const *s, size_t len, struct bearer *b_r)
	__attribute__((warn_unused_result));

#endif
