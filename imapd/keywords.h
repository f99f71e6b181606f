/*
 * keywords.h - keywords of a folder by their names in commands
 */
#ifndef KEYWORDS_H
#define KEYWORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/keywordfile.h"
#include "imapd/flag_args.h"

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
