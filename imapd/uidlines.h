/*
 * uidlines.h - the text of a folder's dovecot-uidlist (common/uidlist.h), read
 * line by line and put together anew
 */
#ifndef UIDLINES_H
#define UIDLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "common/stamp.h"
#include "common/uidlist.h"

struct uidlines {
	stralloc text;
	struct uidlist_header header;
	uint32_t last;	    /* UID of the last line */
	size_t lines, body; /* body: where the lines start */
	bool missing;	    /* no list, or one that is none */
	bool broken;	    /* cannot be appended to */
	struct stamp stamp; /* of the file that was read */
};

/* Read the folder's list: its text and header. There may be none. The text is
 * to be freed. False: errno. */
bool uidlines_read(struct uidlines *l, int folder_fd)
	__attribute__((warn_unused_result));

/* The next whole line at *pos, without its end. */
bool uidlines_line(stralloc const *sa, size_t *pos, char const **s_r,
	size_t *len_r) __attribute__((warn_unused_result));

/* The next line that can be believed: UIDs only grow. Notes in l what was
 * passed over. *s_r, *len_r: the line. */
bool uidlines_next(struct uidlines *l, size_t *pos, struct uidlist_line *line_r,
	char const **s_r, size_t *len_r) __attribute__((warn_unused_result));

/* Append a line; version: 1 or 3. False: memory. */
bool uidlines_add(stralloc *sa, int version, uint32_t uid, char const *name,
	size_t len) __attribute__((warn_unused_result));

/* Append the header with another UIDNEXT; its fields but V and N are kept. */
bool uidlines_header(stralloc *out, struct uidlines const *l, uint32_t next)
	__attribute__((warn_unused_result));

#endif
