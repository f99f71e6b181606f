/*
 * tree.h - renaming a folder with those below it: all or none
 *
 * What is to be done is written to the file `kereru-rename` at the top of the
 * maildir first. If we are stopped in the middle, whoever looks next finishes
 * it: a client never sees half of a tree under either name for longer than
 * that.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#define TREE_FILE "kereru-rename"

/* Append one folder's step to the text of the file. Names as boxname_dir gives
 * them. False: memory is out. */
bool tree_add(stralloc *text, char const *from, char const *to)
	__attribute__((warn_unused_result));

/* Do the steps of text; none of the new names exists. False: errno, and what
 * was done is undone. */
bool tree_rename(int root_fd, stralloc const *text)
	__attribute__((warn_unused_result));

/* Finish what was left unfinished, if anything was. errno. */
bool tree_repair(int root_fd) __attribute__((warn_unused_result));

#endif
