/*
 * keywords.h - names of keywords (the file `dovecot-keywords`)
 *
 * Lines `0 $Forwarded`: keyword 0 is the letter a in names of files, 25 is z.
 * They compare without case; the spelling that came first stays.
 */
#ifndef KEYWORDS_H
#define KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imapd/flag_args.h"

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

/*
 * The bits of keywords by name. Those that are missing are added to the file,
 * read anew under the folder's lock, if add is set; else, and where all
 * letters are taken, left out.
 *
 * added_r  set if names has changed (may be NULL)
 *
 * errno; ENOSPC when no letter is left.
 */
bool keywords_bits(struct keywords *k, int folder_fd,
	struct flag_args const *args, bool add, uint32_t *bits_r, bool *added_r)
	__attribute__((warn_unused_result));

#endif
