/*
 * values.h - the settings of one host: what its file says, or the defaults
 */
#ifndef VALUES_H
#define VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/admin/account.h"
#include "common/admin/fault.h"
#include "common/admin/setting.h"
#include "common/admin/text.h"

#define VALUES_MAX 200

struct values {
	struct text text;
	stralloc normal[VALUES_MAX]; /* as setting_table, NUL-ended */
	unsigned line[VALUES_MAX];   /* 0: the default */
};
#define VALUES_ZERO                                                            \
	{                                                                      \
		.text = { 0 }                                                  \
	}

/*
 * Read folder/settings, tell every fault, fill in the defaults. False: memory
 * or the file system, told too. With faults a value may be its default or
 * empty.
 */
bool values_read(struct values *v, char const *folder, struct faults *f)
	__attribute__((warn_unused_result));
/* The same of a text that no file has: s is allocated, becomes v's own, and has
 * one octet more than len. */
bool values_of_text(struct values *v, char *s, size_t len, struct faults *f)
	__attribute__((warn_unused_result));
void values_free(struct values *v);

/* By key, which must be in setting_table. */
char const *values_text(struct values const *v, char const *key);
uint32_t values_number(struct values const *v, char const *key);
unsigned values_line(struct values const *v, char const *key);

/* Open a folder below `state` of the settings in folder; -1: told. */
int values_open_folder(char const *folder, char const *below);

/* The account of account-ROLE; false: there is none (told by
 * values_check_accounts). */
bool values_account(struct values const *v, char const *role,
	struct account *account_r) __attribute__((warn_unused_result));
bool values_group_drop(struct values const *v, gid_t *gid_r)
	__attribute__((warn_unused_result));

/*
 * Look all accounts up and tell which are missing, root, used twice, or within
 * the range of the mailboxes.
 */
void values_check_accounts(struct values const *v, struct faults *f);

#endif
