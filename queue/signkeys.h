/*
 * signkeys.h - what the signer knows: dkim.cdb
 *
 * `kereru compile` writes it, readable by the signer alone: the private keys of
 * each domain, whose domains are whose, and the few settings that matter here.
 * tables(5) has its form.
 */
#ifndef SIGNKEYS_H
#define SIGNKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/table.h"
#include "mime/dkim/dkim_private.h"

struct signkey {
	char const *selector; /* NUL-ended, as all */
	struct dkim_private key;
};

/* Walk over the keys of a domain (in lower case, A-labels). */
struct signkeys_cursor {
	char const *s;
	size_t len;
};
/* False: it has none. */
bool signkeys_find(struct table const *t, char const *domain,
	struct signkeys_cursor *c_r) __attribute__((warn_unused_result));
/* False: no more. Wipe key_r->key by dkim_private_wipe. */
bool signkeys_next(struct signkeys_cursor *c, struct signkey *key_r)
	__attribute__((warn_unused_result));

/* Whether this uid has an address in the domain. */
bool signkeys_owns(struct table const *t, uint32_t uid, char const *domain);

/* "hostname", "forward-domain", "check", "dkim-lifetime"; "" if it lacks. */
char const *signkeys_text(struct table const *t, char const *key);

#endif
