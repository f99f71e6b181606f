/*
 * dkim.h - verifying DKIM signatures (RFC 6376; RFC 8301; RFC 8463)
 *
 * rsa-sha256 with keys of 1,024 to 4,096 bits, and ed25519-sha256. rsa-sha1 is
 * never valid (RFC 8301 3.1). The keys of all signatures are asked for at once,
 * and the body is read once for all of them.
 */
#ifndef DKIM_H
#define DKIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/query.h"
#include "mime/dkim/source.h"

/* Signatures of a message that are looked at, from the top. */
#define DKIM_SIGNATURES_MAX 8
/* RFC 8301 3.2. */
#define DKIM_RSA_BITS_MIN 1024
#define DKIM_RSA_BITS_MAX 4096

/* RFC 8601 2.7.1. */
enum dkim_code {
	DKIM_NONE,
	DKIM_PASS,
	DKIM_FAIL,	/* the signature or the body hash is wrong */
	DKIM_POLICY,	/* not acceptable here; not used for RFC's own rules */
	DKIM_NEUTRAL,	/* cannot be judged: syntax */
	DKIM_TEMPERROR, /* the key could not be had now */
	DKIM_PERMERROR	/* the key is missing or unusable, or the like */
};

struct dkim_result {
	enum dkim_code code;
	char domain[DNS_NAME_SIZE];   /* d=, lower case; "" if unreadable */
	char selector[DNS_NAME_SIZE]; /* s=, lower case */
	char identity[321];	      /* i=, or "" where it is not given */
	char algorithm[16];	      /* a= as far as known, else "" */
	char b[9];		      /* the first characters of b= */
	unsigned bits;		      /* of an RSA key, 0 if not known */
	bool testing;		      /* the key says t=y */
	/* The signature says l= and this many octets lie behind what it
	 * covers: anybody could have added them (RFC 6376 8.2). */
	uint64_t uncovered;
	char const *why; /* unless pass; static text */
};

struct dkim_results {
	struct dkim_result list[DKIM_SIGNATURES_MAX];
	size_t count;	 /* 0: DKIM_NONE */
	size_t left_out; /* signatures beyond the limit */
};

struct dkim_options {
	uint64_t now;	   /* seconds; x= is compared with it */
	unsigned bits_min; /* 0: DKIM_RSA_BITS_MIN; lower only for old tests */
};

/* False: the message could not be read, errno. */
bool dkim_verify(struct source const *message, struct query *query,
	struct dkim_options const *options, struct dkim_results *results_r)
	__attribute__((warn_unused_result));

/* "pass" and so on. */
char const *dkim_name(enum dkim_code code);

#endif
