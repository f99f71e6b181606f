/*
 * scramkey.h - what a server keeps of a password for SCRAM-SHA-256
 *
 * The keys of RFC 5802, 3 with the hash of RFC 7677, and their text, which is
 * the one that PostgreSQL made usual, in standard base64:
 * SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY
 */
#ifndef SCRAMKEY_H
#define SCRAMKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRAMKEY_SALT_LEN 16
#define SCRAMKEY_HASH_LEN 32
/* Octets of the text with its NUL. */
#define SCRAMKEY_TEXT_SIZE 160

/* What new keys get (RFC 7677, 4 wants 4,096 at least; each login costs the
 * client as much), and what is taken. */
#define SCRAMKEY_ITERATIONS 65536
#define SCRAMKEY_ITERATIONS_MIN 4096
#define SCRAMKEY_ITERATIONS_MAX 10000000

struct scramkey {
	uint32_t iterations;
	unsigned char salt[SCRAMKEY_SALT_LEN];
	unsigned char stored[SCRAMKEY_HASH_LEN];
	unsigned char server[SCRAMKEY_HASH_LEN];
};

/* Whether SASLprep (RFC 4013) leaves s as it is: printable ASCII, and
 * something. It is all that we can prepare. */
bool scramkey_is_prepared(char const *s, size_t len);

/* SaltedPassword: Hi() of RFC 5802, 2.2. */
void scramkey_salt(unsigned char const *salt, size_t salt_len,
	uint32_t iterations, char const *password, size_t len,
	unsigned char out[SCRAMKEY_HASH_LEN]);

/* Derive stored and server from a prepared password, and from the key's
 * iterations and salt. */
void scramkey_derive(struct scramkey *key, char const *password, size_t len);

void scramkey_format(
	char text_r[SCRAMKEY_TEXT_SIZE], struct scramkey const *key);

/* False: not of this form, to the octet. */
bool scramkey_parse(char const *s, size_t len, struct scramkey *key_r)
	__attribute__((warn_unused_result));

#endif
