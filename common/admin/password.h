/*
 * password.h - making and judging password hashes (argon2id, libsodium)
 */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of a hash's text with its NUL, and of a password. */
#define PASSWORD_HASH_SIZE 128
#define PASSWORD_MAX 512
/* Of what the file passwords has of one, with its NUL. */
#define PASSWORD_TEXT_SIZE 320

/* Whether s is the text of an argon2 hash that auth can verify. */
bool password_is_hash(char const *s);

/*
 * Make the fields of passwords from a password: its hash (2 passes over 19 MiB)
 * and, if it is printable ASCII, a blank and the keys for SCRAM; else that
 * there are none is told on standard error. False: no memory.
 */
bool password_make(char text_r[PASSWORD_TEXT_SIZE], char const *password,
	size_t len) __attribute__((warn_unused_result));

/*
 * Ask for a password twice on the terminal without showing it, or read one line
 * of standard input. The caller wipes it. False: told on standard error.
 */
bool password_ask(char password_r[PASSWORD_MAX], size_t *len_r, bool from_stdin)
	__attribute__((warn_unused_result));

/* Ask for it once, or read the first line of fd (-1: ask). As password_ask. */
bool password_tell(char password_r[PASSWORD_MAX], size_t *len_r, int fd)
	__attribute__((warn_unused_result));

#endif
