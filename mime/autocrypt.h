/*
 * autocrypt.h - the field Autocrypt (Autocrypt Level 1, 2.1)
 *
 * A key that comes along with a message: "addr=a@b; prefer-encrypt=mutual;
 * keydata=base64". Pure.
 */
#ifndef MIME_AUTOCRYPT_H
#define MIME_AUTOCRYPT_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/* Octets of keydata that are read: Level 1 asks for small ones. */
#define AUTOCRYPT_KEY_MAX (64u * 1024)

enum autocrypt_result {
	AUTOCRYPT_OK,
	AUTOCRYPT_NONE,	    /* no field that is valid and the sender's */
	AUTOCRYPT_AMBIGUOUS /* more than one: all count for nothing (2.3) */
};

/*
 * The key in the header s[0..len): a field counts if it has an addr that is the
 * only address in From, keydata, and no attribute that is unknown and does not
 * start with '_'.
 *
 * key     the octets are appended
 * mutual  prefer-encrypt=mutual
 * false: memory is out
 */
bool autocrypt_read(char const *s, size_t len, stralloc *key, bool *mutual,
	enum autocrypt_result *result_r) __attribute__((warn_unused_result));

/* Append the whole field, folded, its line end included. */
bool autocrypt_write(stralloc *out, char const *address, char const *key,
	size_t len) __attribute__((warn_unused_result));

#endif
