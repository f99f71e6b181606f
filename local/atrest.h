/*
 * atrest.h - what is delivered, encrypted to the mailbox's key
 *
 * The owner of a mailbox puts an OpenPGP public key into its folder, by the
 * name of ATREST_KEY; then nothing is delivered there in clear. The work is
 * GnuPG's, through mime-crypt, which no delivery could execute from within its
 * sandbox: a process forked before that is closed (locker.h) does it.
 */
#ifndef ATREST_H
#define ATREST_H

#include <stdbool.h>
#include <stddef.h>

#define ATREST_KEY "kereru-encrypt-to"
/* Octets of a reason, its NUL included. */
#define ATREST_WHY 200

enum atrest {
	ATREST_CLEAR, /* there is no key */
	ATREST_LOCKED,
	ATREST_REFUSED /* there is something else by that name */
};

/* What the folder asks for; one system call. */
enum atrest atrest_look(int folder_fd);

/*
 * Have the message (LF line ends) in the file on clear_fd encrypted by the
 * process at the other end of locker_fd. Returns a file's descriptor, the
 * caller's, or -1: why_r says the reason in printable ASCII. *is_lost_r:
 * the process is not to be used any more. Gives up when nobody is at the other
 * end of channel_fd any more, who would hear of a delivery.
 */
int atrest_lock(int locker_fd, int channel_fd, int clear_fd,
	char why_r[ATREST_WHY], bool *is_lost_r)
	__attribute__((warn_unused_result));

#endif
