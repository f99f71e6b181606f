/*
 * watch.h - what others do in a folder's new and cur (inotify)
 *
 * A session that watches learns from the kernel which files came, went and
 * changed their names, and need not read the folder again, not even after its
 * own renames. Where it cannot watch (all of a user's inotify instances are
 * used, a network file system) it must scan.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct watch {
	int fd; /* -1: not watching */
	int new_wd, cur_wd;
};
#define WATCH_ZERO                                                             \
	{                                                                      \
		.fd = -1                                                       \
	}

enum watch_what {
	WATCH_CAME,
	WATCH_WENT,  /* removed */
	WATCH_MOVED, /* has lost its name; perhaps WATCH_CAME follows */
	WATCH_LOST   /* events were lost, or a folder is gone: scan */
};

/*
 * Watch new and cur of the folder that is open on folder_fd and lies at path
 * (relative to the working directory; inotify has no descriptors). False if it
 * cannot be watched.
 */
bool watch_start(struct watch *w, int folder_fd, char const *path)
	__attribute__((warn_unused_result));
void watch_stop(struct watch *w);

/* Hand all events that are waiting to found; name is NUL-ended. */
void watch_read(struct watch *w,
	void (*found)(void *data, enum watch_what what, bool in_new,
		char const *name, size_t len),
	void *data);

#endif
