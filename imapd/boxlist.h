/*
 * boxlist.h - the mailboxes of a maildir, and those subscribed to
 *
 * Names in an order in which children stand right behind their parent. A
 * parent that is missing itself (`a` where only `a.b` exists) is in the list
 * too, marked so.
 */
#ifndef BOXLIST_H
#define BOXLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#define BOXLIST_MISSING 1u /* there is no such mailbox, only children */
#define BOXLIST_SUBSCRIBED 2u
#define BOXLIST_CHILDREN 4u

struct boxlist_entry {
	uint32_t name; /* offset in text; NUL-ended */
	unsigned flags;
};

struct boxlist {
	stralloc text;
	struct boxlist_entry *v;
	size_t count, allocated;
};
#define BOXLIST_ZERO                                                           \
	{                                                                      \
		.text = STRALLOC_ZERO                                          \
	}

void boxlist_free(struct boxlist *b);

/* Add a name; it is not looked for doubles. False: memory is out. */
bool boxlist_add(struct boxlist *b, char const *name, size_t len,
	unsigned flags) __attribute__((warn_unused_result));

/* All folders of the maildir, INBOX first. errno. */
bool boxlist_read(struct boxlist *b, int root_fd)
	__attribute__((warn_unused_result));

/* Add missing parents, sort, join doubles (the flags of both, but MISSING
 * only if both are), mark who has children. */
bool boxlist_finish(struct boxlist *b) __attribute__((warn_unused_result));

/* Of a finished list. */
struct boxlist_entry *boxlist_find(struct boxlist *b, char const *name);

static inline char const *
boxlist_name(struct boxlist const *b, size_t i)
{
	return b->text.s + b->v[i].name;
}

#endif
