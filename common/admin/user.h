/*
 * user.h - mailboxes added, listed and removed
 */
#ifndef USER_H
#define USER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Add a mailbox with a uid that none ever had, its maildir and the hash of its
 * password. key: the address in lower case. Returns the exit code; what is
 * wrong was told. The tables are not compiled.
 */
int user_add(char const *folder, char const *key, char const *password,
	size_t len) __attribute__((warn_unused_result));

#endif
