/*
 * metacache.h - what imapd has learned of the messages of a maildir, looked up
 * by their files
 *
 * Reads kereru-meta (metarecord.h) and never writes it. An entry is given only
 * of a file that has the record's name (flags aside), inode and time of last
 * change, and only if the record's checksum is right: what is damaged, or stale
 * because a file was replaced, is as if it were not there. Linear time; 16
 * octets of memory a record.
 */
#ifndef MIME_METACACHE_H
#define MIME_METACACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

#include "mime/metarecord.h"

struct metacache {
	int fd; /* -1: there is none */
	genalloc places;
	stralloc block;	   /* of the file, read last */
	uint64_t block_at; /* where it stands */
	uint64_t next;	   /* behind the record given last */
};
#define METACACHE_ZERO                                                         \
	{                                                                      \
		.fd = -1, .places = GENALLOC_ZERO, .block = STRALLOC_ZERO      \
	}

/* Have the cache of the maildir of that path. False: it has none that can be
 * read; that is no failure. */
bool metacache_open(struct metacache *c, char const *maildir);

/*
 * The entry with a header of the file of that name whose lstat is st.
 * Pointers are good until the next call. False: read the message.
 */
bool metacache_get(struct metacache *c, char const *name, struct stat const *st,
	struct meta_entry *e_r) __attribute__((warn_unused_result));

void metacache_close(struct metacache *c);

#endif
