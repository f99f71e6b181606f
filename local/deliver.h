/*
 * deliver.h - one message into a maildir
 */
#ifndef DELIVER_H
#define DELIVER_H

#include <stdbool.h>
#include "common/job.h"

struct delivery_result {
	enum job_status status;
	char text[JOB_TEXT_MAX + 1]; /* NUL-ended */
};

/*
 * Write the message that is open on fd into `new`: Return-Path and
 * Delivered-To, the added header lines, the message. The file is synced, the
 * folder not yet: see deliver_sync. A message that has been here before (its
 * Delivered-To says so) fails.
 */
void deliver_message(int folder_fd, char const *hostname, struct job const *job,
	int fd, struct delivery_result *result_r);

/* Make what was written since the last time durable. errno. */
bool deliver_sync(int folder_fd) __attribute__((warn_unused_result));

void deliver_refuse(struct delivery_result *result_r, enum job_status status,
	char const *text);

#endif
