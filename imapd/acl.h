/*
 * acl.h - who has which rights to a mailbox (RFC 4314)
 *
 * The file `kereru-acl` of a folder: lines of an identifier, a tab and rights
 * ("alice@example.org<tab>lrs"). A folder without the file has the rights of
 * the nearest folder above it that has one, at last those of INBOX; so what a
 * delivery makes is not open to others than what it stands in. It is no cache:
 * what is in it exists nowhere else.
 *
 * Identifiers are addresses in the form of the tables (addr.h), `anyone` and
 * `authuser` (who are the same: nobody comes in without a name), and each with
 * `-` in front, which takes rights away from whoever else gives them.
 */
#ifndef ACL_H
#define ACL_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "imapd/rights.h"

#define ACL_FILE "kereru-acl"
/* Octets of an identifier, and entries of a mailbox. */
#define ACL_IDENTIFIER_MAX 321
#define ACL_ENTRIES_MAX 500

struct acl_entry {
	char const *id; /* points into the text */
	size_t id_len;
	unsigned rights;
};

/* Check an identifier and bring it to the form in which it is kept. id_r:
 * ACL_IDENTIFIER_MAX + 1 octets, NUL-ended. Pure. */
bool acl_identifier(char const *s, size_t len, char *id_r)
	__attribute__((warn_unused_result));

/* The next entry of a file's text; lines that make no sense are passed over.
 * False at the end. Pure. */
bool acl_next(char const *s, size_t len, size_t *pos, struct acl_entry *e_r)
	__attribute__((warn_unused_result));

/* The rights of a user: all that is given to him or to anyone, without what is
 * taken from either. Pure. */
unsigned acl_rights(char const *s, size_t len, char const *user);

enum acl_how { ACL_SET, ACL_ADD, ACL_REMOVE, ACL_DELETE };

/* The text after a change, appended to out. False: memory is out, or (errno
 * E2BIG) there would be too many. */
bool acl_edit(stralloc const *text, enum acl_how how, char const *id,
	unsigned rights, stralloc *out) __attribute__((warn_unused_result));

/* Append the text that holds for a mailbox, which need not exist. 1, 0 there
 * is none, -1 errno. */
int acl_load(int root_fd, char const *name, stralloc *text)
	__attribute__((warn_unused_result));

/* Change the ACL of a mailbox, durably; what it had from above becomes its own
 * by that. errno. */
bool acl_change(int root_fd, char const *name, enum acl_how how, char const *id,
	unsigned rights) __attribute__((warn_unused_result));

/* Write down what a new mailbox has from above (RFC 4314, 4: CREATE), so that
 * it keeps it when it is renamed. errno. */
bool acl_inherit(int root_fd, char const *name)
	__attribute__((warn_unused_result));

#endif
