/*
 * maildir.h - writing into a Maildir++ folder
 *
 * Used by local for deliveries and by imapd for APPEND and COPY. Messages lie
 * in a maildir with LF line ends; a name holds the exact sizes:
 *
 *   <seconds>.M<micros>P<pid>R<random>.<host>,S=<octets>,W=<octets as CRLF>
 *
 * so that no reader has to open a file to know RFC822.SIZE. For a delivery the
 * queue id stands in the unique part (`Q<id>`). Works relative to the folder's
 * descriptor, never follows a link.
 */
#ifndef MAILDIR_H
#define MAILDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAILDIR_NAME_MAX 255
#define MAILDIR_BUFFER 65536

struct maildir_writer {
	int folder_fd, fd;
	bool failed; /* sticky */
	int error;
	bool held_cr;	/* a CR whose LF has not come yet */
	bool ends_cr;	/* the last octet that was kept is a CR */
	uint64_t size;	/* octets in the file so far */
	uint64_t lines; /* LFs among them that lack a CR before them */
	size_t name_len;
	char name[MAILDIR_NAME_MAX + 1]; /* in tmp; after commit, in new/cur */
	size_t used;
	char buffer[MAILDIR_BUFFER];
};

/*
 * Make dir (relative to parent_fd) a maildir with cur, new and tmp, each 0700,
 * if it is not one, and fsync what was made. errno.
 */
bool maildir_create(int parent_fd, char const *dir)
	__attribute__((warn_unused_result));

/* Create a file in tmp of the folder open on folder_fd. id: the queue id, or
 * NULL. host: for the name, '/' and ':' replaced. errno. */
bool maildir_begin(struct maildir_writer *w, int folder_fd, char const *host,
	char const *id) __attribute__((warn_unused_result));

/* Append; CRLF becomes LF, all else stays. Failures are remembered. */
void maildir_write(struct maildir_writer *w, char const *s, size_t len);

/*
 * Steps of maildir_commit for those who write several messages together: push
 * all (the kernel begins to write), harden all (fsync and close), then commit
 * all. The first fsync then does most of the disk's work for the others.
 * Failures are remembered.
 */
void maildir_push(struct maildir_writer *w);
void maildir_harden(struct maildir_writer *w);

/*
 * Flush, fsync, and rename into `new` (flags NULL) or into `cur` with
 * `:2,<flags>`; never replaces a file. w->name is the final name. The caller
 * fsyncs the folder with maildir_sync before it acknowledges, once for several
 * messages if it likes. False: errno, nothing is left behind.
 */
bool maildir_commit(struct maildir_writer *w, char const *flags)
	__attribute__((warn_unused_result));

void maildir_abort(struct maildir_writer *w);

/* fsync a subfolder ("new", "cur") of folder_fd. errno. */
bool maildir_sync(int folder_fd, char const *sub)
	__attribute__((warn_unused_result));

#endif
