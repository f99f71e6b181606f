/*
 * keywordfile.h - names of keywords (the file `dovecot-keywords`)
 *
 * Lines `0 $Forwarded`: keyword 0 is the letter a in names of files, 25 is z.
 * They compare without case; the spelling that came first stays.
 */
#ifndef KEYWORDFILE_H
#define KEYWORDFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/flags.h"

struct keywords {
	/* Empty: none. NUL-ended. */
	char names[FLAG_KEYWORDS_MAX][FLAG_KEYWORD_LEN + 1];
};

/* Fill from the file's text; lines that cannot be read are left out. Pure. */
void keywords_parse(struct keywords *k, char const *s, size_t len);

/* Read the file of a folder, if there is one. errno. */
bool keywords_read(struct keywords *k, int folder_fd)
	__attribute__((warn_unused_result));

/* The keyword's number, or -1. */
int keywords_find(struct keywords const *k, char const *name, size_t len);

struct keyword {
	char const *s;
	size_t len;
};

/*
 * Add those that are missing to the file, read anew under the folder's lock,
 * all or none; k is what is in it then. errno; ENOSPC when no letter is left.
 */
bool keywords_add(struct keywords *k, int folder_fd,
	struct keyword const *list, size_t count)
	__attribute__((warn_unused_result));

#endif
