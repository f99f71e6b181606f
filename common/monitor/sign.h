/*
 * sign.h - the private keys, and what is done with them
 *
 * Linked into the monitor alone. The keys come from the tables' `keys` file,
 * which `kereru compile` made from PEM: no parser of certificates runs as root.
 */
#ifndef SIGN_H
#define SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read the keys anew if the file in tables_fd has been replaced. A missing or
 * malformed file leaves what was there; false, errno. */
bool sign_refresh(int tables_fd);

/* Which keys a client's certificates go with: the current ones, or, if those
 * were replaced since, the ones before. The two files have one time of
 * modification (common/admin/publish.h), and keys are renamed first: open
 * certs, refresh, then ask. */
unsigned sign_set(int certs_fd);

/*
 * Sign a hash with a key of a set, for TLS 1.2: algorithm is 4, 5 or 6
 * (SHA-256, -384, -512) and hash_len its exact length. Returns the signature's
 * length, or 0 if anything is not as it should be. signature_r has room for
 * SIGN_MAX octets.
 */
#define SIGN_MAX 512
size_t sign_hash(unsigned set, uint8_t key_index, uint8_t key_type,
	uint8_t algorithm, char const *hash, size_t hash_len,
	unsigned char *signature_r);

#endif
