/*
 * names.h - the messages that operands stand for
 *
 * A maildir stands for all messages in its cur and new, in the order of their
 * names, which is that of their arrival; a file for itself.
 */
#ifndef MIME_NAMES_H
#define MIME_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

struct names {
	stralloc text;	  /* paths, NUL-ended */
	genalloc offsets; /* size_t: where each starts */
};

#define NAMES_ZERO                                                             \
	{                                                                      \
		.text = STRALLOC_ZERO, .offsets = GENALLOC_ZERO                \
	}

/* False: errno; ENOENT for a folder that is no maildir, too. */
bool names_add(struct names *n, char const *operand)
	__attribute__((warn_unused_result));

/* All names of a list in which each is NUL-ended; empty ones are passed over.
 */
bool names_add_list(struct names *n, char const *list, size_t len)
	__attribute__((warn_unused_result));

size_t names_count(struct names const *n);
char const *names_get(struct names const *n, size_t i);

/*
 * Open the i-th for reading, under a new name if it lies in a maildir and has
 * got one meanwhile. *found_r is the name of the file, in p or in n; p is
 * scratch space. errno; EINVAL for what is no file.
 */
int names_open(struct names const *n, size_t i, stralloc *scratch,
	char const **found_r) __attribute__((warn_unused_result));

#endif
