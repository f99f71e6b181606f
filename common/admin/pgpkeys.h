/*
 * pgpkeys.h - public keys in a file of OpenPGP packets (RFC 4880, 4.2, 11.1)
 *
 * As `gpg --export` writes them, not armored. Packets are walked over and
 * copied, never looked into but for the text of user ids. Pure, linear.
 */
#ifndef PGPKEYS_H
#define PGPKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>

/* A span of the file. */
struct pgpkeys_span {
	size_t start, end;
};

/*
 * The key that starts at *pos, up to the next; *pos is moved on.
 * 1 found, 0 the end, -1 what stands there is no public key.
 */
int pgpkeys_next(char const *s, size_t len, size_t *pos,
	struct pgpkeys_span *key_r) __attribute__((warn_unused_result));

/*
 * The address in the next user id of the key: what is between < and >, or all
 * of a user id that has an '@' and neither. *pos is 0 at first. False: no more.
 */
bool pgpkeys_address(char const *s, struct pgpkeys_span const *key, size_t *pos,
	struct pgpkeys_span *address_r) __attribute__((warn_unused_result));

/*
 * Append the key with those of its user ids alone that have this address, case
 * aside (draft-koch-openpgp-webkey-service, 3.1: no others). False: memory.
 */
bool pgpkeys_copy(stralloc *out, char const *s, struct pgpkeys_span const *key,
	char const *address, size_t len) __attribute__((warn_unused_result));

#endif
