/*
 * share.h - the mailboxes that the host shares (tables(5): `shared`)
 *
 * A line each in the settings: `NAME MAILBOX WHO...`, where WHO is
 * `admin:ADDRESS`, `ADDRESS`, `@DOMAIN` or `*`. Over IMAP a shared mailbox is
 * `Shared.NAME`, its folders are below that. Pure.
 */
#ifndef SHARE_H
#define SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/boxname.h"

/* Above them all, in the hierarchy. */
#define SHARE_ROOT "Shared"

#define SHARE_NAME_MAX 64
#define SHARE_MAILBOX_MAX 320

struct share {
	char prefix[sizeof SHARE_ROOT + 1 + SHARE_NAME_MAX]; /* Shared.NAME */
	char mailbox[SHARE_MAILBOX_MAX + 1];
	bool takes_part;  /* the user may use it, as its ACL says */
	bool administers; /* he has all rights to it */
};

/* The next line that can be read; what it is to user. False at the end. */
bool share_next(char const *text, size_t *pos, char const *user,
	struct share *share_r) __attribute__((warn_unused_result));

/* The shared mailbox of this address. */
bool share_of(char const *text, char const *mailbox, char const *user,
	struct share *share_r) __attribute__((warn_unused_result));

/* Is a name in our form that of the mailbox, or of one below it? */
bool share_holds(struct share const *share, char const *name);

#endif
