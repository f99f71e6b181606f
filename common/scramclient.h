/*
 * scramclient.h - the client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677)
 *
 * client-first, client-final with the proof, and the server's signature, which
 * proves that the server knows the password's key, too: without it the login
 * does not count. Pure functions; the nonce is the caller's. No channel
 * binding; names and passwords as scramkey_is_prepared takes them.
 */
#ifndef SCRAMCLIENT_H
#define SCRAMCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/scramkey.h"

/* Octets of a name and of our nonce; of server-first, and of what we say. */
#define SCRAMCLIENT_USER_MAX 255
#define SCRAMCLIENT_NONCE_LEN 24
#define SCRAMCLIENT_SERVER_MAX 512
#define SCRAMCLIENT_MESSAGE_MAX 900
/* What a server may make us work (RFC 7677 4: 4,096 at least). */
#define SCRAMCLIENT_ITERATIONS_MAX 1000000

struct scramclient {
	/* AuthMessage (RFC 5802 3), as far as it has come. */
	char text[2 * SCRAMCLIENT_MESSAGE_MAX + SCRAMCLIENT_SERVER_MAX];
	size_t len;
	char nonce[SCRAMCLIENT_NONCE_LEN];
	unsigned char
		signature[SCRAMKEY_HASH_LEN]; /* that the server must have */
};

/* nonce is printable, without a comma. Returns the length of client-first; 0:
 * the name can't be said. */
size_t scramclient_first(struct scramclient *x, char const *user,
	size_t user_len, char const nonce[SCRAMCLIENT_NONCE_LEN],
	char out[SCRAMCLIENT_MESSAGE_MAX]);

/* Then: answer server-first. Returns the length of client-final; 0: malformed,
 * another nonce, or too few or too many iterations. */
size_t scramclient_final(struct scramclient *x, char const *s, size_t len,
	char const *password, size_t password_len,
	char out[SCRAMCLIENT_MESSAGE_MAX]);

/* Then: whether server-final has the right signature; in constant time. */
bool scramclient_verify(struct scramclient const *x, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
