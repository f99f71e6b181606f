/*
 * deliver.h - one message into a maildir
 */
#ifndef DELIVER_H
#define DELIVER_H

#include <stdbool.h>
#include "common/job.h"
#include "common/maildir.h"

struct delivery_result {
	enum job_status status;
	char text[JOB_TEXT_MAX + 1]; /* NUL-ended */
};

/* What is the same for all messages of a mailbox. */
struct delivery_place {
	char const *hostname; /* for file names */
	int channel_fd;	      /* to the manager */
	int locker_fd;	      /* what encrypts (atrest.h); -1: none */
	bool is_locker_lost;  /* set here: locker_fd is of no use any more */
	char const *note;     /* a header line of ours for the next; or "" */
};

/* A header in the place of the added lines and a message's own. */
struct delivery_header {
	char const *s; /* without the empty line */
	size_t len;
	size_t replaced; /* octets of the message that it stands for */
};

/* Whether the message may be delivered here at all. One that has been here
 * before (its Delivered-To says so) may not. False: *result_r says why. */
bool deliver_is_welcome(struct job const *job, int fd,
	struct delivery_result *result_r) __attribute__((warn_unused_result));

/*
 * Write the message that is open on fd into tmp of the folder: Return-Path and
 * Delivered-To, the added header lines, the message, which with locks is
 * encrypted, or nothing is delivered. header: NULL, or what stands in the place
 * of its own (not with locks). True: w waits for deliver_commit; false:
 * *result_r says why not. Several can be written before the first is committed:
 * they share the disk's work.
 */
bool deliver_write(struct maildir_writer *w, struct delivery_place *p,
	int folder_fd, bool locks, struct job const *job, int fd,
	struct delivery_header const *header, struct delivery_result *result_r)
	__attribute__((warn_unused_result));

/* The whole message as it is delivered, in a file without a name, in memory.
 * -1: *result_r says why not. */
int deliver_hold(struct delivery_place const *p, struct job const *job, int fd,
	struct delivery_result *result_r) __attribute__((warn_unused_result));

/* Sync the file, if that was not done, and move it into `new`, or with flags
 * (letters; NULL: none) into `cur`. The folder is not synced yet. */
void deliver_commit(struct maildir_writer *w, char const *flags,
	struct delivery_result *result_r);

/* Make what was written since the last time durable. errno. */
bool deliver_sync(int folder_fd, char const *sub)
	__attribute__((warn_unused_result));

void deliver_refuse(struct delivery_result *result_r, enum job_status status,
	char const *text);

#endif
