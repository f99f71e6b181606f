/*
 * user.h - who a mailbox is, for those who start processes in its name
 *
 * users.cdb names each mailbox's uid and maildir; root alone can write it.
 * Whoever sends a name never chooses a uid.
 */
#ifndef USER_H
#define USER_H

#include <stdint.h>
#include "common/table.h"

/*
 * Find the mailbox of that address. 1 found, *home_r points into the table; 0
 * not there; -1 the table is damaged, or gives a uid outside uid_min to uid_max
 * (0 is never inside).
 */
int user_find(struct table const *users, char const *name, size_t len,
	uint64_t uid_min, uint64_t uid_max, uid_t *uid_r, char const **home_r)
	__attribute__((warn_unused_result));

#endif
