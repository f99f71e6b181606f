/*
 * tlspolicy.h - what an administrator says of the TLS of a destination
 *
 * An entry of tls-policy.cdb, and which one counts for a destination;
 * tls-policy(5) has the text that it is made from. Pure functions over bytes.
 *
 * Value: a word, each of its arguments behind a NUL:
 *   none   may   must
 *   verify [NAME ...]        names in place of the host's own
 *   pin SHA256 ...           64 digits each, of a certificate or of its
 *                            SubjectPublicKeyInfo
 */
#ifndef TLSPOLICY_H
#define TLSPOLICY_H

#include <stdbool.h>
#include <stddef.h>
#include "common/dns_reply.h"
#include "common/table.h"
#include "common/tls_chain.h"

#define TLSPOLICY_NAMES_MAX 8
#define TLSPOLICY_PINS_MAX 8
#define TLSPOLICY_PIN_LEN 32

enum tlspolicy_level {
	TLSPOLICY_UNSET = 0, /* nobody has said anything */
	TLSPOLICY_NONE,	     /* TLS is not used */
	TLSPOLICY_MAY,	     /* where it is offered, whatever the certificate */
	TLSPOLICY_MUST,	     /* always, whatever the certificate */
	TLSPOLICY_VERIFY,    /* always, with a certificate that is believed */
	TLSPOLICY_PIN /* always, with one of these certificates or keys */
};

struct tlspolicy {
	enum tlspolicy_level level;
	char names[TLSPOLICY_NAMES_MAX][DNS_NAME_SIZE];
	size_t name_count;
	unsigned char pins[TLSPOLICY_PINS_MAX][TLSPOLICY_PIN_LEN];
	size_t pin_count;
};

bool tlspolicy_parse(char const *s, size_t len, struct tlspolicy *policy_r)
	__attribute__((warn_unused_result));

/*
 * The entry of destination (its name, lower case): its own, else that of the
 * nearest `.parent`, else that of `*`. policy_r->level is TLSPOLICY_UNSET where
 * there is none. False: the table is damaged. One that is not open has nothing.
 */
bool tlspolicy_find(struct table const *t, char const *destination,
	struct tlspolicy *policy_r) __attribute__((warn_unused_result));

/* Whether a pin is the certificate's, or its key's. */
bool tlspolicy_is_pinned(struct tlspolicy const *policy,
	struct tls_certificate_der const *certificate);

#endif
