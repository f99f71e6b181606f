/*
 * arc_seal.h - adding a set to an ARC chain (RFC 8617 5.1)
 */
#ifndef ARC_SEAL_H
#define ARC_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include "mime/dkim/arc.h"
#include "mime/dkim/authres.h"
#include "mime/dkim/dkim_sign.h"

#define ARC_SEAL_MAX (3 * DKIM_SIGN_MAX)

/*
 * Make the three fields of the next set, folded, with CRLF, to be put in front
 * of the message.
 *
 * status   of the chain as it was verified when the message came (ARC_NONE for
 *          none). A chain that failed is sealed as failed, once.
 * results  the value of our own Authentication-Results, which begins with our
 *          name; passed on as it is
 *
 * 1 made; 0 nothing must be added (the chain is full, ended in a failure
 * before, or its status is not known: ARC_TEMPERROR); -1 errno as dkim_sign.
 */
int arc_seal(struct source const *message, struct dkim_signer const *signer,
	enum arc_code status, char const *results, char out[ARC_SEAL_MAX],
	size_t *len_r) __attribute__((warn_unused_result));

/* The same over a header in memory and the relaxed hash of the body. */
int arc_seal_fields(struct fields const *fields,
	unsigned char const body_hash[32], struct dkim_signer const *signer,
	enum arc_code status, char const *results, char out[ARC_SEAL_MAX],
	size_t *len_r) __attribute__((warn_unused_result));

#endif
