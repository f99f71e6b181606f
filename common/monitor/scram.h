/*
 * scram.h - the server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677)
 *
 * Three messages after one another: client-first, server-first, client-final
 * with the proof; and the server-final that answers it. Pure functions: the
 * nonce and the user's key are the caller's. No channel binding (the client's
 * flag is `n` or `y`), no SASLprep but of what it leaves as it is, which is
 * printable ASCII.
 */
#ifndef SCRAM_H
#define SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include "common/scramkey.h"
#include "common/monitor/login.h"

/* Octets of the client's nonce at most, of what we add, of server-final. */
#define SCRAM_CLIENT_NONCE_MAX 256
#define SCRAM_NONCE_LEN 24
#define SCRAM_FINAL_LEN 46

struct scram {
	char user[REQUEST_MAILBOX_MAX]; /* as the client gave it */
	size_t user_len;
	char header[LOGIN_MESSAGE_MAX]; /* gs2: flag and authzid */
	size_t header_len;
	/* AuthMessage (RFC 5802, 3), as far as it has come, and where in it
	 * both sides' nonces are. */
	char text[2 * LOGIN_MESSAGE_MAX + LOGIN_CHALLENGE_MAX + 2];
	size_t text_len, nonce_at, nonce_len;
};

/*
 * Read client-first into x. False: malformed, an extension that must be
 * understood, channel binding, a name that is not prepared, or an authorization
 * identity that is not the name.
 */
bool scram_first(struct scram *x, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* Then: write server-first. nonce is printable, without a comma. Returns its
 * length. */
size_t scram_challenge(struct scram *x, struct scramkey const *key,
	char const nonce[SCRAM_NONCE_LEN], char out[LOGIN_CHALLENGE_MAX]);

/*
 * Then: read client-final, judge its proof in constant time, write
 * server-final. False: malformed, another nonce or gs2 header than before, or
 * a wrong proof.
 */
bool scram_final(struct scram *x, struct scramkey const *key, char const *s,
	size_t len, char out[SCRAM_FINAL_LEN])
	__attribute__((warn_unused_result));

/* A saslname (RFC 5802, 5.1): =2C and =3D are a comma and an equals sign.
 * False: malformed, longer than max, or not prepared. */
bool scram_unescape(char const *s, size_t len, char *out, size_t max,
	size_t *len_r) __attribute__((warn_unused_result));

#endif
