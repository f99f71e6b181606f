/*
 * annotations.h - METADATA of a mailbox or of the maildir (RFC 5464)
 *
 * A file in the folder itself, so that it goes where the folder goes: lines of
 * an entry's name, a tab and its value, in which controls, `%` and 8-bit octets
 * are written as %XX. It is no cache: what is in it exists nowhere else.
 */
#ifndef ANNOTATIONS_H
#define ANNOTATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/* Of a mailbox, in its folder. */
#define ANNOTATIONS_MAILBOX "kereru-metadata"
/* Of the maildir as a whole ("" as the mailbox's name), at its top. */
#define ANNOTATIONS_SERVER "kereru-metadata-server"

#define ANNOTATIONS_NAME_MAX 255
#define ANNOTATIONS_VALUE_MAX 32768
#define ANNOTATIONS_MAX 100 /* entries of one mailbox */

/* What SPECIAL-USE is kept in (RFC 6154, 4). */
#define ANNOTATIONS_USE "/private/specialuse"

struct annotation {
	char name[ANNOTATIONS_NAME_MAX + 1]; /* lower case */
	char const *value;		     /* NULL: none, it is removed */
	size_t value_len;
};

/* Check a name and bring it to lower case (RFC 5464, 4.2.1 and 5). */
bool annotations_name(char const *s, size_t len, char *name_r)
	__attribute__((warn_unused_result));

/* Read the file as it is. 1, 0 there is none, -1 errno. */
int annotations_read(int folder_fd, char const *file, stralloc *text)
	__attribute__((warn_unused_result));

/*
 * The next entry of a file's text; lines that make no sense are passed over.
 * The value is put into `value`. 1, 0 at the end, -1 memory is out.
 */
int annotations_next(stralloc const *text, size_t *pos, stralloc *value,
	struct annotation *a_r) __attribute__((warn_unused_result));

/* Find one entry. 1, 0 there is none, -1 errno. */
int annotations_get(int folder_fd, char const *file, char const *name,
	stralloc *value) __attribute__((warn_unused_result));

/* Make all of the changes or none. errno; E2BIG: they would be too many. */
bool annotations_set(int folder_fd, char const *file,
	struct annotation const *changes, size_t count)
	__attribute__((warn_unused_result));

#endif
