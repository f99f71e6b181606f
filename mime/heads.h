/*
 * heads.h - the headers of many messages, one after another
 *
 * A message of a maildir that imapd knows is not opened (metacache.h); of the
 * others no more is read than has to be.
 */
#ifndef MIME_HEADS_H
#define MIME_HEADS_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

#include "mime/header.h"
#include "mime/metacache.h"
#include "mime/names.h"

/* All zero at first. Large: to be static. */
struct heads {
	char const *s; /* the header read last: in buf, or in the cache */
	size_t len;
	char buf[HEADER_MAX];
	genalloc runs; /* the maildirs among the names */
	size_t run;    /* the one that comes next, or is at work */
	struct metacache cache;
	bool started;
	stralloc path;
};

/* As names_add. Names are to be added by this one before all that are not. */
bool heads_add(struct heads *h, struct names *n, char const *operand)
	__attribute__((warn_unused_result));

/*
 * Have the header of the i-th in s[0..len), good until the next call; i goes
 * up from 0. Of a message out of the cache some fields are left out that are
 * none of Date, From, Subject, Message-ID, References and In-Reply-To.
 *
 * path_r  as names_open's; good until the next call
 *
 * False: errno, of names_open or reading.
 */
bool heads_read(struct heads *h, struct names const *n, size_t i,
	char const **path_r) __attribute__((warn_unused_result));

#endif
