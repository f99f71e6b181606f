/*
 * dkim_check.h - the steps of judging one signature, DKIM's or ARC's
 *
 * begin for each, then all keys in one query, then one pass over the body, then
 * end for each: so that several signatures share questions and the pass. As
 * soon as something is wrong `code` and `why` say so, and the steps that follow
 * do nothing.
 */
#ifndef DKIM_CHECK_H
#define DKIM_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "mime/dkim/bodyhash.h"
#include "mime/dkim/dkim.h"
#include "mime/dkim/dkim_key.h"
#include "mime/dkim/dkim_signature.h"
#include "mime/dkim/fields.h"
#include "common/query.h"

#define DKIM_KEY_NAME_SIZE (2 * DNS_NAME_SIZE + 16)

struct dkim_check {
	struct dkim_signature sig;
	struct header_field const *field;
	struct dkim_key key;
	char key_name[DKIM_KEY_NAME_SIZE];
	int body;	     /* index of the body hash; -1: none */
	uint64_t uncovered;  /* see dkim.h */
	enum dkim_code code; /* DKIM_NONE: not decided */
	char const *why;
};

/* Read the field, which must stay. */
void dkim_check_begin(struct dkim_check *c, enum dkim_kind kind,
	struct header_field const *field, struct dkim_options const *options,
	struct bodyhashes *bodies);

/* The question for the key. False: none is needed. */
bool dkim_check_question(
	struct dkim_check const *c, struct query_question *q_r);

/* The answer to it. */
void dkim_check_key(struct dkim_check *c, struct query_question const *q,
	struct dkim_options const *options);

/* Judge by the header and the body hashes, which were made. */
void dkim_check_end(struct dkim_check *c, struct fields const *fields,
	struct bodyhashes const *bodies);

/* Judge by a hash of what was signed. */
void dkim_check_judge(struct dkim_check *c, unsigned char const hash[32]);

/* The hash over the fields that h= names and the signature's own (RFC 6376
 * 3.7); for signing too. */
void dkim_check_hash(struct dkim_signature const *sig,
	struct header_field const *own, struct fields const *fields,
	unsigned char hash_r[32]);

/* A canon_sink for a br_sha256_context. */
void dkim_check_sink(void *data, char const *s, size_t len);

/*
 * Ask for the keys of n signatures at once, and judge what is found.
 */
void dkim_check_keys(struct dkim_check *list, size_t n, struct query *query,
	struct dkim_options const *options);

#endif
