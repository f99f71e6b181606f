/*
 * name.h - sorted arrays of named things, looked up by name
 *
 * Each thing is a struct whose first member is a struct name. Sorting once and
 * searching by halves is quick enough for a hundred thousand mailboxes.
 */
#ifndef NAME_H
#define NAME_H

#include <stddef.h>
#include "common/admin/fault.h"

struct name {
	char const *s; /* a key: an address or a domain in lower case */
	size_t len;
	unsigned line; /* where it stands in its file; 0: nowhere */
};

/* Sort by name, then line. */
void name_sort(void *things, size_t count, size_t size);

/* Tell which names in the sorted array stand there twice. */
void name_check_twice(void const *things, size_t count, size_t size,
	char const *file, struct faults *f);

/* NULL: not there. */
void *name_find(void const *things, size_t count, size_t size, char const *s,
	size_t len);

#endif
