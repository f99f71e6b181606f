/*
 * folder.h - making, removing and renaming the folders of a maildir
 *
 * dir is a name as boxname_dir gives it (".Lists.foo"), never ".". All work
 * relative to the descriptor of the maildir and follow no link; errno.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdbool.h>

/* Make a folder with a UIDVALIDITY of its own. It appears complete or not at
 * all. EEXIST. */
bool folder_create(int root_fd, char const *dir)
	__attribute__((warn_unused_result));

/* Remove a folder and all in it; it disappears at once. ENOENT. */
bool folder_delete(int root_fd, char const *dir)
	__attribute__((warn_unused_result));

/* EEXIST. The caller syncs root_fd. */
bool folder_rename(int root_fd, char const *from, char const *to)
	__attribute__((warn_unused_result));

/* Move all messages (and the keywords' names) from one folder to an empty one;
 * either may be ".". */
bool folder_move_messages(int root_fd, char const *from, char const *to)
	__attribute__((warn_unused_result));

#endif
