/*
 * dkim_signature.h - reading DKIM-Signature, ARC-Message-Signature and
 * ARC-Seal fields (RFC 6376 3.5; RFC 8617 4.1)
 *
 * Pure: no DNS, no cryptography.
 */
#ifndef DKIM_SIGNATURE_H
#define DKIM_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/dns_reply.h"
#include "mime/header.h"
#include "mime/dkim/dkim.h"

/* Octets of a signature: RSA of 4,096 bits. */
#define DKIM_B_MAX 512
/* Octets of a signature field that are read. */
#define DKIM_FIELD_MAX (16u * 1024)
/* Names in h=. */
#define DKIM_NAMES_MAX 512

enum dkim_kind {
	DKIM_KIND_DKIM,
	DKIM_KIND_MESSAGE, /* ARC-Message-Signature */
	DKIM_KIND_SEAL	   /* ARC-Seal */
};

struct dkim_signature {
	enum dkim_kind kind;
	bool is_ed25519;
	bool relaxed_header, relaxed_body;
	char domain[DNS_NAME_SIZE], selector[DNS_NAME_SIZE];
	char algorithm[16];
	char identity[321];		     /* i= of DKIM, "" if absent */
	char identity_domain[DNS_NAME_SIZE]; /* d= if absent */
	unsigned instance;		     /* i= of ARC */
	enum { DKIM_CV_NONE, DKIM_CV_PASS, DKIM_CV_FAIL } cv; /* of a seal */
	char const *names; /* h=, as it stands */
	size_t names_len;
	unsigned char hash[32]; /* bh= */
	unsigned char b[DKIM_B_MAX];
	size_t b_len;
	char b_begin[9];
	size_t b_at, b_end; /* the value of b= in the field's line, blanks
			       around it included */
	uint64_t limit;	    /* l=, or UINT64_MAX */
	uint64_t created, expires; /* t=, x=; 0: absent */
	/* Of a failed parse; what was read before is there. */
	enum dkim_code code;
	char const *why;
};

/* field must live as long as the signature. */
bool dkim_signature_parse(enum dkim_kind kind, struct header_field const *field,
	struct dkim_signature *sig_r) __attribute__((warn_unused_result));

/* Whether h= has the name. */
bool dkim_signature_covers(struct dkim_signature const *sig, char const *name);

/* The number in front of an ARC-Authentication-Results value, `i=N;`, and
 * where the rest begins. False: there is none. */
bool dkim_signature_instance(char const *s, size_t len, unsigned *instance_r,
	size_t *rest_r) __attribute__((warn_unused_result));

#endif
