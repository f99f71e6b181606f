/*
 * bodyhash.h - body hashes of several signatures in one pass (RFC 6376 3.7)
 */
#ifndef BODYHASH_H
#define BODYHASH_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mime/dkim/canon.h"
#include "mime/dkim/source.h"

#define BODYHASH_LEN 32
#define BODYHASH_ALL UINT64_MAX

struct bodyhash {
	struct canon_body canon;
	br_sha256_context sha;
	uint64_t limit; /* octets that are hashed; BODYHASH_ALL */
	uint64_t total; /* octets of the canonical body; after the pass */
	unsigned char hash[BODYHASH_LEN];
};

/* Different hashes of one message; equal ones are made once. Each costs a pass
 * over the body: both forms whole, and two with l=, are more than honest mail
 * needs. */
#define BODYHASH_MAX 4
struct bodyhashes {
	struct bodyhash list[BODYHASH_MAX];
	size_t count;
};

/* Ask for one; returns its index, or -1: too many different ones. */
int bodyhash_want(struct bodyhashes *b, bool is_relaxed, uint64_t limit);

/* The same in steps: pieces of the body, then its end, once. */
void bodyhash_push(struct bodyhashes *b, char const *s, size_t len);
void bodyhash_finish(struct bodyhashes *b);

/* Read the body, which begins `at` octets into the message, and make all of
 * them. False: errno. */
bool bodyhash_read(struct bodyhashes *b, struct source const *message,
	uint64_t at) __attribute__((warn_unused_result));

#endif
