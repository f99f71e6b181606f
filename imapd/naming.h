/*
 * naming.h - names of mailboxes as a session writes them
 *
 * Modified UTF-7 until the client has enabled UTF-8 (RFC 9051, 5.1; RFC 9755,
 * 3); on disk and in all our structs it is always modified UTF-7. Pure.
 */
#ifndef NAMING_H
#define NAMING_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "common/boxname.h"

/* Check a name that a client gave. name_r: BOXNAME_MAX + 1 octets. */
bool naming_in(bool utf8, char const *s, size_t len, char *name_r)
	__attribute__((warn_unused_result));

/* As naming_in for the parts of a LIST pattern: only brought to our form.
 * out: at least max octets. */
bool naming_pattern(bool utf8, char const *s, size_t len, char *out, size_t max,
	size_t *len_r) __attribute__((warn_unused_result));

/*
 * From now on the maildir is the mailbox of this name in the hierarchy of
 * others, who share it: INBOX is `Shared.team`, and `Sub` is `Shared.team.Sub`.
 * All that goes in and out has such names; what is inside keeps its own. At the
 * start of a process that serves a shared mailbox. prefix stays the caller's.
 */
void naming_share(char const *prefix);
/* What was given to naming_share, else empty. */
char const *naming_prefix(void);

/* The name as others know it, not yet in the session's form. out: NAMING_MAX
 * octets, NUL-ended. */
#define NAMING_MAX (2 * BOXNAME_MAX + 2)
void naming_full(char const *name, char *out);

/* Append a name as a string. False: memory is out. */
bool naming_out(bool utf8, stralloc *out, char const *name)
	__attribute__((warn_unused_result));

#endif
