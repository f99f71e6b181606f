/*
 * account.h - the accounts that the roles run under, found and made
 *
 * A setting names an account of the system, or is numeric: `UID` (its group has
 * the same number) or `UID:GID`, for which no entry in passwd is needed.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t gid;
};

/* 1 found, 0 there is none of this name, -1 the look-up failed (errno). */
int account_find(char const *name, struct account *account_r)
	__attribute__((warn_unused_result));
int account_find_group(char const *name, gid_t *gid_r)
	__attribute__((warn_unused_result));

/* Make what is missing, by useradd and groupadd, without home, shell or
 * password. False: the program said why, or errno. */
bool account_create(char const *name) __attribute__((warn_unused_result));
bool account_create_group(char const *name) __attribute__((warn_unused_result));

#endif
