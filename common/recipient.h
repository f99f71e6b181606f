/*
 * recipient.h - which entry of recipients.cdb an address has
 *
 * Keys are addr_key's. The address itself counts first; then the one that it is
 * a detail of (`user+detail@domain`, RFC 5233); then the catch-all of its
 * domain, `*@domain`. An address that was made for forwarding (common/srs.h)
 * falls into no catch-all: it is the manager's, or nobody's.
 */
#ifndef RECIPIENT_H
#define RECIPIENT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/table.h"

/*
 * key[0..*len): of ADDR_KEY_MAX octets at most; becomes the key of the entry,
 * which is never longer, and stays if there is none. As table_find.
 */
int recipient_find(struct table const *recipients, char *key, size_t *len,
	char const **value_r, size_t *value_len_r)
	__attribute__((warn_unused_result));

/* Whether the mail of an entry with this value is refused: that of a mailbox
 * which takes none, or of an alias that leads to such ones alone. */
#define RECIPIENT_REFUSED " refused"
bool recipient_is_refused(char const *value, size_t len);

bool recipient_is_catch_all(char const *key, size_t len);

#endif
