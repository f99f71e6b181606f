/*
 * privilege.h - giving up root for good
 */
#ifndef PRIVILEGE_H
#define PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Become uid and gid, with no supplementary group, no way back, no gain of
 * rights by exec. Refuses 0. Verifies by reading back and by trying to return.
 * False: errno; the caller must exit at once.
 */
bool privilege_drop(uid_t uid, gid_t gid) __attribute__((warn_unused_result));

/*
 * chroot into the folder that is open on fd. False: errno.
 */
bool privilege_chroot(int folder_fd) __attribute__((warn_unused_result));

#endif
