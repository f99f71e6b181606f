/*
 * objectid.h - ids that stay over renames and moves (RFC 8474), and the date
 * of saving (RFC 8514)
 *
 * None of it is kept by us: a mailbox's id is the one that dovecot-uidlist has
 * in its first line, a message's is a hash of its octets (meta.h), and the date
 * of saving is what the file's name begins with: whoever puts a file into a
 * maildir gives it a name that begins with the time.
 */
#ifndef OBJECTID_H
#define OBJECTID_H

#include <stdbool.h>
#include <stdint.h>

#include "imapd/mailbox.h"

#define OBJECTID_MAX 48

/* NUL-ended, into OBJECTID_MAX + 1 octets. */
void objectid_mailbox(struct mailbox const *m, char *out);

/* Of the folder that is open on folder_fd. False: errno. */
bool objectid_folder(int folder_fd, char *out)
	__attribute__((warn_unused_result));

/* From the digest of meta.h. */
void objectid_email(unsigned char const *digest, char *out);

/* Seconds since 1970 in a file's name. False: it does not begin with any. */
bool objectid_savedate(char const *name, int64_t *seconds_r)
	__attribute__((warn_unused_result));

#endif
