/*
 * queue_file.h - a message in the queue, as a person looks for it
 *
 * Reads envelopes of queue files; nothing in them is trusted.
 */
#ifndef QUEUE_FILE_H
#define QUEUE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/queuefile.h"

struct queue_file {
	struct queuefile q;
	bool is_new; /* it lies in new: the manager has not taken it */
};

/*
 * Read a file's envelope into s, which is QUEUEFILE_VERP_ENVELOPE_MAX long and which
 * *q_r points into; its recipients stand until the next call. 1 read, 0
 * malformed, -1 errno.
 */
int queue_file_read(int fd, char *s, struct queuefile *q_r)
	__attribute__((warn_unused_result));

/* Which messages are meant. Strings are the caller's; NULL: any. */
struct queue_filter {
	uint64_t now;		/* seconds since 1970 */
	uint64_t older_than;	/* seconds since it arrived */
	char const *domain;	/* of a recipient that is to do */
	char const *sender;	/* an address, or `@domain`; "<>": none */
	char const *const *ids; /* the message's id is one of these */
	size_t id_count;
};

/*
 * Call found for each message in cur and then new that the filter means,
 * ordered by age in each; what it is given is valid during the call alone. A
 * file that can't be read as one is left out and counted. False: a folder can't
 * be read, errno.
 */
typedef void queue_file_found(
	void *data, int fd, struct queue_file const *file);
bool queue_files(int queue_fd, struct queue_filter const *filter,
	queue_file_found *found, void *data, size_t *unreadable_r)
	__attribute__((warn_unused_result));

/* Whether a recipient's address has this domain (no case). */
bool queue_file_in_domain(
	struct queuefile_recipient const *r, char const *domain);

#endif
