/*
 * lookup.h - what recipients.cdb says of an address
 *
 * `@domain` -> `local` or `backup`; `user@domain` -> `m UID` (a mailbox) or
 * `a UID UID...` (an alias, with the uids of its local targets). Keys are
 * addr_key's. Which entry an address has, common/recipient.h says.
 */
#ifndef SMTP_LOOKUP_H
#define SMTP_LOOKUP_H

#include <stdbool.h>
#include <sys/types.h>
#include "common/addr.h"
#include "common/table.h"

enum smtp_domain {
	SMTP_DOMAIN_FOREIGN,
	SMTP_DOMAIN_LOCAL,
	SMTP_DOMAIN_BACKUP,
	SMTP_DOMAIN_TROUBLE /* the table is damaged */
};

enum smtp_domain smtp_lookup_domain(
	struct table const *recipients, struct addr const *a);

/* Whether the address is in the table: 1, 0, -1 damaged; 2 it is there, and
 * takes no mail. */
int smtp_lookup_mailbox(struct table const *recipients, struct addr const *a)
	__attribute__((warn_unused_result));

/* Whether the mailbox with this uid may send as the address: 1, 0, -1. */
int smtp_lookup_owner(struct table const *recipients, struct addr const *a,
	uid_t uid) __attribute__((warn_unused_result));

/* The same for the value of an entry. */
bool smtp_lookup_has_uid(char const *value, size_t len, uid_t uid);

/*
 * Call put with each mailbox here that the address is or leads to, then with
 * each address elsewhere that an alias leads to, until it says false. Reads the
 * whole table. 1; 0 there is no such address; -1 damaged.
 */
typedef bool smtp_lookup_put(void *data, char const *address, size_t len);
int smtp_lookup_members(struct table const *recipients, struct addr const *a,
	smtp_lookup_put *put, void *data) __attribute__((warn_unused_result));

#endif
