/*
 * use.h - what a mailbox is for (RFC 6154)
 *
 * What a client has said by CREATE or SETMETADATA; else its name tells, as most
 * clients make them.
 */
#ifndef USE_H
#define USE_H

#include <stdbool.h>
#include <stddef.h>

#define USE_MAX 64

/* "\Sent" as we write it, or NULL if we know no such use for a mailbox. */
char const *use_find(char const *s, size_t len);

/* Attributes with blanks between ("\Drafts \Sent"); empty: none. Of a checked
 * name; use_r has USE_MAX octets. */
void use_of(int root_fd, char const *name, char *use_r);

/* Is it a value that may be given (each attribute once)? Pure. */
bool use_valid(char const *s, size_t len);

#endif
