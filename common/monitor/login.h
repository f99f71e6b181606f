/*
 * login.h - what a front and auth say to each other
 *
 * A login is one or more steps (RFC 4422): the mechanism's name and the
 * client's message, as it was after base64; and auth's answer, a verdict
 * (request.h), with REQUEST_GO_ON a challenge. The message that answers a
 * challenge comes without a name; with one, a login begins, and what was begun
 * before is forgotten. Frames as in request.h.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include "common/monitor/request.h"

/* Octets of a mechanism's name (RFC 4422 3.1), of a client's message, of one
 * that has a token (12,288 in base64), of a challenge, and of a frame. */
#define LOGIN_MECHANISM_MAX 20
#define LOGIN_MESSAGE_MAX 1024
#define LOGIN_TOKEN_MAX 9216
#define LOGIN_CHALLENGE_MAX 512
#define LOGIN_FRAME_MAX 12288
/* Octets of base64 that a message of n needs. */
#define LOGIN_BASE64(n) (((n) + 2) / 3 * 4)

struct login_step {
	char const *mechanism, *message;
	/* 0 to 20; 0 to LOGIN_TOKEN_MAX, which is for OAUTHBEARER alone */
	size_t mechanism_len, message_len;
};
size_t login_step_encode(char *s, size_t max, struct login_step const *step);
bool login_step_decode(char const *s, size_t len, struct login_step *step_r)
	__attribute__((warn_unused_result));

size_t login_answer_encode(char *s, size_t max, enum request_verdict v,
	char const *challenge, size_t challenge_len);
bool login_answer_decode(char const *s, size_t len, enum request_verdict *v_r,
	char const **challenge_r, size_t *challenge_len_r)
	__attribute__((warn_unused_result));

#endif
