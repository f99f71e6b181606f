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

/*
 * Write the message that is open on fd into tmp: Return-Path and Delivered-To,
 * the added header lines, the message. True: w waits for deliver_commit;
 * false: *result_r says why not. A message that has been here before (its
 * Delivered-To says so) fails. Several can be written before the first is
 * committed: they share the disk's work.
 */
bool deliver_write(struct maildir_writer *w, int folder_fd,
	char const *hostname, struct job const *job, int fd,
	struct delivery_result *result_r) __attribute__((warn_unused_result));

/* Sync the file, if that was not done, and move it into `new`. The folder is
 * not synced yet. */
void deliver_commit(struct maildir_writer *w, struct delivery_result *result_r);

/* Make what was written since the last time durable. errno. */
bool deliver_sync(int folder_fd) __attribute__((warn_unused_result));

void deliver_refuse(struct delivery_result *result_r, enum job_status status,
	char const *text);

#endif
