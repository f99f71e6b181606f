/*
 * outgoing.h - what a delivery puts into the queue
 *
 * Forwarded copies and automatic answers, dropped as the mailbox's own uid
 * through the descriptors of queue/tmp and queue/new. Each function gives true
 * when the message is durable there; false: errno.
 */
#ifndef OUTGOING_H
#define OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include "common/job.h"
#include "local/deliver.h"

struct outgoing {
	int tmp_fd, new_fd; /* O_PATH; -1: there is no queue to be had */
};

/* Open them; the working folder is that of the host's state. */
void outgoing_open(struct outgoing *o);

/*
 * Send the message on to another address: from its own sender, which the
 * manager rewrites, with the address that it came to in Delivered-To. header
 * may be NULL.
 */
bool outgoing_forward(struct outgoing const *o, struct job const *job, int fd,
	char const *address, size_t len, struct delivery_header const *header)
	__attribute__((warn_unused_result));

/* Send a message of our own, with LF or CRLF, from the null sender. */
bool outgoing_answer(struct outgoing const *o, char const *address, size_t len,
	char const *message, size_t message_len)
	__attribute__((warn_unused_result));

#endif
