/*
 * stamp.h - has a folder or a file changed since it was read?
 *
 * By inode, size and both times. Where the kernel stamps with its tick, two
 * changes in one tick look alike: such a stamp tells nothing of later changes
 * unless it was old enough when it was taken (`settled`). A kernel that gives a
 * new stamp after every look (6.13 and later, most file systems) is found out
 * by trying; there each stamp is settled.
 */
#ifndef STAMP_H
#define STAMP_H

#include <stdbool.h>
#include <stdint.h>

/* A stamp must be so old; where other hosts write, whose clock is not ours. */
#define STAMP_SETTLE_NS 10000000
#define STAMP_SETTLE_REMOTE_NS 5000000000

struct stamp {
	uint64_t inode, size;
	int64_t modified_ns, changed_ns;
};

/* Of what is open; of a name below folder_fd (inode 0: there is none). False:
 * errno; ENOENT for a folder that was removed. */
bool stamp_get(int fd, struct stamp *stamp_r)
	__attribute__((warn_unused_result));
/* The same where the file may have been removed. */
bool stamp_get_open(int fd, struct stamp *stamp_r)
	__attribute__((warn_unused_result));
bool stamp_get_at(int folder_fd, char const *name, struct stamp *stamp_r)
	__attribute__((warn_unused_result));

bool stamp_same(struct stamp const *a, struct stamp const *b);

/* Nanoseconds until this stamp, taken just now, is settled; 0: it is. */
int64_t stamp_unsettled_ns(struct stamp const *s, int64_t settle_ns);

/*
 * How old a stamp must be in the folder that is open on folder_fd, which has a
 * tmp to try in: 0 where every look is followed by a new one. What was found
 * for one file system is kept.
 */
int64_t stamp_settle_ns(int folder_fd);

/* File systems on which other hosts write, of whom the kernel tells nothing. */
bool stamp_is_remote(int fd);

/* The clock that stamps follow. */
int64_t stamp_now_ns(void);

#endif
