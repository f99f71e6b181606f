/*
 * user.h - mailboxes added, listed and removed
 */
#ifndef USER_H
#define USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/admin/config.h"

/*
 * Add a mailbox with a uid that none ever had, its maildir and the hash of its
 * password. key: the address in lower case. Returns the exit code; what is
 * wrong was told. The tables are not compiled.
 */
int user_add(char const *folder, char const *key, char const *password,
	size_t len) __attribute__((warn_unused_result));

/* A uid that is greater than all that were ever used. 0: none is left. */
uint32_t user_free_uid(struct config const *c);

/* NULL, or why there can be no such mailbox. */
char const *user_refuse(struct config const *c, char const *key);

#endif
