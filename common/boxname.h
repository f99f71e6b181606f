/*
 * boxname.h - names of mailboxes, and of their folders (RFC 3501, 5.1)
 *
 * `Lists.foo` is the folder `.Lists.foo` beside cur and new (Maildir++), INBOX
 * the maildir itself. Names stay in modified UTF-7 (RFC 3501, 5.1.3), as
 * clients send them and as they lie on disk. Pure.
 */
#ifndef BOXNAME_H
#define BOXNAME_H

#include <stdbool.h>
#include <stddef.h>

#define BOXNAME_SEPARATOR '.'
#define BOXNAME_MAX 240

/* Is it well-formed modified UTF-7, and nothing else than text? */
bool boxname_utf7(char const *s, size_t len)
	__attribute__((warn_unused_result));

/*
 * Check a name from outside and bring it to the form in which it is compared:
 * INBOX in capitals, also as the first part of a longer name.
 *
 * Refused: `/`, control characters, 8-bit octets, bad modified UTF-7, empty
 * parts (so also `..` and a separator at either end), more than BOXNAME_MAX.
 *
 * name_r  BOXNAME_MAX + 1 octets, NUL-ended
 */
bool boxname_check(char const *s, size_t len, char *name_r)
	__attribute__((warn_unused_result));

/* The folder of a checked name: "." or ".Lists.foo".
 * dir_r  BOXNAME_MAX + 2 octets */
void boxname_dir(char const *name, char *dir_r);

bool boxname_is_inbox(char const *name);

/*
 * LIST patterns (RFC 3501, 6.3.8): `*` matches all, `%` all but the separator.
 * INBOX matches without regard to case. Time is at most pattern_len * name_len.
 * pattern_len  at most BOXNAME_PATTERN_MAX, else nothing matches
 */
#define BOXNAME_PATTERN_MAX 1024
bool boxname_match(char const *pattern, size_t pattern_len, char const *name,
	size_t name_len);

/* Could it match the name, or one below it? False is sure. */
bool boxname_may_match(char const *pattern, size_t pattern_len,
	char const *name, size_t name_len);

#endif
