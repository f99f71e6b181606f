/*
 * msgtable.h - messages of a folder: by number, and by base name
 *
 * One record a message, in the order of UIDs, so that message number n is
 * v[n - 1]. Names lie behind one another in one block. The hash from base names
 * to records is made when it is first asked for and kept up by additions.
 */
#ifndef MSGTABLE_H
#define MSGTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

/* Bits of state. */
#define MESSAGE_RECENT 1u   /* this session is told \Recent */
#define MESSAGE_IN_NEW 2u   /* its file is in new, not in cur */
#define MESSAGE_SEEN 4u	    /* found by the scan that is going on */
#define MESSAGE_GONE 8u	    /* its file is gone; EXPUNGE not told yet */
#define MESSAGE_CHANGED 16u /* flags have changed; FETCH not told yet */

#define MESSAGE_SIZE_UNKNOWN UINT32_MAX

struct message {
	uint32_t uid;  /* 0: none yet */
	uint32_t name; /* offset in names */
	uint32_t keywords;
	uint32_t size; /* RFC822.SIZE */
	uint8_t name_len, base_len;
	uint8_t system; /* FLAG_* */
	uint8_t state;
};

struct msgtable {
	struct message *v;
	size_t count, allocated;
	stralloc names;
	size_t garbage;	 /* octets of names that nothing uses */
	uint32_t *slots; /* index + 1; NULL: to be made */
	size_t slots_count;
};
#define MSGTABLE_ZERO                                                          \
	{                                                                      \
		.names = STRALLOC_ZERO                                         \
	}
#define MSGTABLE_NONE SIZE_MAX

void msgtable_free(struct msgtable *t);

/* Add a message with the file name name, flags and size taken from it. Returns
 * its index, MSGTABLE_NONE when memory is out. */
size_t msgtable_add(struct msgtable *t, char const *name, size_t len,
	unsigned state) __attribute__((warn_unused_result));

/* The message with that base name, or MSGTABLE_NONE. */
size_t msgtable_find(struct msgtable *t, char const *base, size_t len);

/* Give a message another file name (same base); its flags follow. */
bool msgtable_rename(struct msgtable *t, size_t i, char const *name, size_t len)
	__attribute__((warn_unused_result));

/* Remove the messages whose state has any of these bits. */
void msgtable_remove(struct msgtable *t, unsigned state);

/* Order by UID; those without one last, by name. */
void msgtable_sort(struct msgtable *t);

static inline char const *
msgtable_name(struct msgtable const *t, size_t i)
{
	return t->names.s + t->v[i].name;
}

#endif
