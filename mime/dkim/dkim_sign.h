/*
 * dkim_sign.h - making DKIM signatures (RFC 6376 5; RFC 8463)
 *
 * relaxed/relaxed and SHA-256, the whole body. What people see and what steers
 * a reply is signed, and once more than it is there, so that nobody can add
 * another (RFC 6376 8.15).
 */
#ifndef DKIM_SIGN_H
#define DKIM_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mime/dkim/dkim_private.h"
#include "mime/dkim/dkim_signature.h"
#include "mime/dkim/fields.h"
#include "mime/dkim/source.h"

/* Octets of a field that is made. */
#define DKIM_SIGN_MAX (16u * 1024)

struct dkim_signer {
	struct dkim_private const *key;
	char const *domain, *selector; /* A-labels */
	uint64_t now;		       /* for t= */
	uint64_t lifetime;	       /* seconds until x=; 0: no x= */
};

/*
 * Make the whole field, folded, with its CRLF, NUL-ended, to be put in front of
 * the message. False: the message could not be read or has no From (errno
 * EINVAL), or the field would be too long (EMSGSIZE).
 */
bool dkim_sign(struct source const *message, struct dkim_signer const *signer,
	char out[DKIM_SIGN_MAX], size_t *len_r)
	__attribute__((warn_unused_result));

/* The same over a header in memory and the relaxed hash of the body; for an
 * ARC-Message-Signature, which has an instance, too. */
bool dkim_sign_fields(enum dkim_kind kind, unsigned instance,
	struct fields const *fields, unsigned char const body_hash[32],
	struct dkim_signer const *signer, char out[DKIM_SIGN_MAX],
	size_t *len_r) __attribute__((warn_unused_result));

/* The relaxed hash of a whole body. False: errno. */
bool dkim_sign_body(struct source const *message, uint64_t body_at,
	unsigned char hash_r[32]) __attribute__((warn_unused_result));

/* A field in the making; what does not fit makes is_full. */
struct dkim_text {
	char *s;
	size_t max, len;
	size_t line; /* where the line began */
	bool is_full;
};
void dkim_text_put(struct dkim_text *t, char const *s);
/* Put a piece that must not be folded, on a new line if it has to be. */
void dkim_text_piece(struct dkim_text *t, char const *s);
/* Sign hash, put b in base64 and end the line. */
bool dkim_text_seal(struct dkim_text *t, struct dkim_private const *key,
	unsigned char const hash[32]) __attribute__((warn_unused_result));

#endif
