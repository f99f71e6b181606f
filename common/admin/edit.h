/*
 * edit.h - changing lines of the text files on behalf of a person
 *
 * One edit locks the folder, may touch several files, and replaces them
 * together; comments and the other lines stay as they are.
 */
#ifndef EDIT_H
#define EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "common/admin/config.h"
#include "common/admin/publish.h"

/* Wait for the lock. False: told. */
bool edit_begin(struct publish *p, char const *folder)
	__attribute__((warn_unused_result));

/*
 * Write name anew: without the lines whose first field has the key drop (an
 * address or a domain in lower case; NULL: none), with the line add behind
 * (NULL: none). A new file gets mode; an old one keeps its own. Files are
 * replaced at edit_commit, the last one written first. False: told.
 */
bool edit_file(struct publish *p, char const *name, char const *drop,
	char const *add, mode_t mode) __attribute__((warn_unused_result));

/*
 * edit_begin, and read all that is there into *c, which must have no fault: then
 * COMMAND_OK, and c and p are the caller's to free and end. Else told, and the
 * command's exit code.
 */
int edit_read(struct publish *p, struct config *c, char const *folder)
	__attribute__((warn_unused_result));

/* False: told. */
bool edit_commit(struct publish *p) __attribute__((warn_unused_result));

/* Undo what was not committed, and unlock. */
void edit_end(struct publish *p);

/* Put an address of the command line into its key. False: told. */
bool edit_address(char const *s, char *key, size_t size)
	__attribute__((warn_unused_result));

#endif
