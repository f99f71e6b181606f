/*
 * folder.h - making the folders of a host with the right owners and modes
 *
 * What is made is durable: mail is accepted into it soon after.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Make path a folder with this owner and mode, or give one that is there both;
 * its parent is made root's, 0755, if it is missing. A link is refused.
 * False: told.
 */
bool folder_make(char const *path, uid_t uid, gid_t gid, mode_t mode)
	__attribute__((warn_unused_result));

/*
 * Make path a maildir of uid, and what is missing above it. One that is there
 * must be uid's already. False: told.
 */
bool folder_maildir(char const *path, uid_t uid)
	__attribute__((warn_unused_result));

#endif
