/*
 * publish.h - several files of a folder replaced together
 *
 * Each is written beside the old one, made durable, and renamed only when all
 * are there: whoever reads sees the old or the new, and after a failure nothing
 * has changed. Files that were replaced together have one time of modification.
 * A lock on the folder keeps two writers apart.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PUBLISH_MAX 16

struct publish {
	char const *folder;
	int folder_fd;
	char const *names[PUBLISH_MAX];
	size_t count;
};

/* Open folder and wait for its lock. False: errno. folder stays the caller's.
 */
bool publish_begin(struct publish *p, char const *folder)
	__attribute__((warn_unused_result));

/* A file to write, or -1 with errno. name stays the caller's. */
int publish_open(struct publish *p, char const *name)
	__attribute__((warn_unused_result));

/* It is written: set owner and mode, fsync, close. False: errno. */
bool publish_close(int fd, uid_t uid, gid_t gid, mode_t mode)
	__attribute__((warn_unused_result));

/* Rename all, fsync the folder. False: errno; then some may be replaced. */
bool publish_commit(struct publish *p) __attribute__((warn_unused_result));

/* Remove what was not committed, unlock; after a commit too. */
void publish_end(struct publish *p);

#endif
