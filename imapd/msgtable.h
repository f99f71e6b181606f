/*
 * msgtable.h - messages of a folder: by number, and by base name
 *
 * One record a message, in the order of UIDs, so that message number n is
 * v[n - 1]. Names lie behind one another in one block. The hash from base names
 * to records is made when it is first asked for and kept up by additions.
 *
 * A table can begin as a file's content (view.h): then records, names and hash
 * lie in one map, which is read as far as it is wanted. Messages that are added
 * then have a hash of their own: to put them into that of the map it would have
 * to be read.
 */
#ifndef MSGTABLE_H
#define MSGTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "mime/metarecord.h"

/* Bits of state. */
#define MESSAGE_RECENT 1u   /* this session is told \Recent */
#define MESSAGE_IN_NEW 2u   /* its file is in new, not in cur */
#define MESSAGE_SEEN 4u	    /* found by the scan that is going on */
#define MESSAGE_GONE 8u	    /* its file is gone; EXPUNGE not told yet */
#define MESSAGE_CHANGED 16u /* flags have changed; FETCH not told yet */
#define MESSAGE_DIRTY 32u   /* the log does not know its name yet */
#define MESSAGE_HINT 64u    /* nor where its meta is */

#define MESSAGE_SIZE_UNKNOWN UINT32_MAX

/* Values of logged that are no flags: the log does not know of the message, or
 * knows that it is gone. */
#define MESSAGE_UNLOGGED UINT32_MAX
#define MESSAGE_LOGGED_GONE (UINT32_MAX - 1)

/* Laid out without holes: it is written to files as it is. */
struct message {
	uint32_t uid;  /* 0: none yet */
	uint32_t name; /* offset in names */
	uint32_t keywords;
	uint32_t size;	 /* RFC822.SIZE */
	uint64_t modseq; /* 0: none yet; of GONE ones that of the removal */
	uint32_t logged; /* the flags that the log knows, msgtable_flags */
	uint32_t hash;	 /* of the base name */
	uint32_t inode;	 /* of the file, folded; 0: not known */
	uint32_t meta;	 /* where kereru-meta may have it, in 8 octets; 0 */
	uint8_t name_len, base_len;
	uint8_t system; /* FLAG_* */
	uint8_t state;
	uint32_t meta_len; /* in 8 octets */
};

#define MSGTABLE_KEY_LEN 16

struct msgtable {
	struct message *v;
	size_t count, allocated;
	stralloc names;	  /* those behind the fixed ones */
	char *fixed;	  /* names in the map */
	size_t fixed_len; /* offsets below this are in the map */
	size_t garbage;	  /* octets of names that nothing uses */
	uint32_t *slots;  /* index + 1; NULL: to be made */
	size_t slots_count;
	uint32_t *late; /* of what was added to those in the map */
	size_t late_count, late_used;
	unsigned char key[MSGTABLE_KEY_LEN]; /* of the hash */
	bool has_key;
	uint32_t used; /* keywords that some message has, or had */
	/* There may be messages with these bits of state. */
	unsigned states;
	size_t marked_from; /* none before this one */
	/* So many came with the map, and whether they are as they were. */
	size_t from_map;
	bool differs;
	/* The map, or NULL; v, fixed and slots may point into it. */
	char *map;
	size_t map_len;
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

/* What the hash has of a base name. */
uint32_t msgtable_hash(struct msgtable *t, char const *base, size_t len);

/* Give a message another file name (same base); its flags follow. */
bool msgtable_rename(struct msgtable *t, size_t i, char const *name, size_t len)
	__attribute__((warn_unused_result));

/* Remove the messages whose state has any of these bits. */
void msgtable_remove(struct msgtable *t, unsigned state);

/* Order by UID; those without one last, by name. */
void msgtable_sort(struct msgtable *t);

/* Set bits of a message's state, and note that there are some. */
static inline void
msgtable_mark(struct msgtable *t, size_t i, unsigned state)
{
	t->v[i].state |= (uint8_t)state;
	t->states |= state;
	if (i < t->marked_from)
		t->marked_from = i;
}

/* Not a page of a map is written to for nothing. */
static inline void
msgtable_unmark(struct msgtable *t, size_t i, unsigned state)
{
	if (t->v[i].state & state)
		t->v[i].state &= (uint8_t)~state;
}

static inline char const *
msgtable_name(struct msgtable const *t, size_t i)
{
	size_t const at = t->v[i].name;

	return at < t->fixed_len ? t->fixed + at
				 : t->names.s + (at - t->fixed_len);
}

/* System flags and keywords in one number, less than MESSAGE_LOGGED_GONE. */
static inline uint32_t
msgtable_flags(struct message const *m)
{
	return m->keywords << 5 | m->system;
}

/* An inode as records have it. */
static inline uint32_t
msgtable_inode(uint64_t inode)
{
	return metarecord_inode(inode);
}

#endif
