/*
 * folders.h - the queue's folders, as the manager holds them
 */
#ifndef FOLDERS_H
#define FOLDERS_H

#include <stdbool.h>
#include <stdint.h>

struct folders {
	int queue, tmp, new_, cur, bad;
	int watch; /* inotify, of new */
};
extern struct folders folders;

/* Open state/queue and what is in it, make it the working folder, watch new,
 * and wait for a predecessor's children to be done with it. errno. */
bool folders_open(char const *state) __attribute__((warn_unused_result));

/* Move new/name or cur/name out of the way into bad, and log why. */
void folders_refuse(int folder_fd, char const *name, char const *why);

/* Remove files in tmp that nobody has written to for 36 hours. */
void folders_sweep(uint64_t now);

#endif
